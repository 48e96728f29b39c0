"""English: which words mean which concept. The keys are the same in every language; `concepts.py` explains them."""

__all__ = ["ENDINGS", "WORDS"]

ENDINGS = (
    ("ing", ""), ("ing", "e"), ("ies", "y"), ("es", ""), ("ed", ""), ("ed", "e"), ("s", ""), ("'s", ""), ("s'", "s"),
)  # fmt: skip
"""Inflections: a word that is not in the list is tried with the first ending replaced by the second."""

WORDS = {
    # -- verbs and effects
    "do:make": (
        "make, makes, making, use, set, render, give, get, paint it, bring, should be, needs to be, must be, "
        "ought to be, go, have, make it so, make it so that, make it such that"
    ),
    "do:turn": "turn, turning, convert, transform, turn it",
    "do:change": "change, alter, modify, edit, adjust, tweak, touch, swap out the colour of",
    "do:recolour": (
        "cast, recolour, recolor, colour in, color in, paint, dye, tint, tinted, tone it, colourise it, "
        "colour it, color it"
    ),
    "do:put": "put, place, set her, set him, position, stick, drop in",
    "do:add": "add, insert, include, apply, draw, overlay, introduce, slap",
    "do:write": (
        "write, caption, type, title, add text, add the text, add the words, add the word, add a caption, "
        "put the text, put the words, put the word, add text saying, text saying, saying, that says, that reads, "
        "add the caption, add the title, add a title, with the text, with the words, add a text"
    ),
    "do:remove": (
        "remove, delete, erase, get rid of, take out, take away, zap, eliminate, clear away, wipe out, "
        "wipe away, edit out, lose, take off, clean up, strip, strip out, ditch, photoshop out, crop out, undo, "
        "neutralise, neutralize, "
        "make disappear, disappear, vanish, go away, kill, scrub, remove away"
    ),
    "do:cutout": (
        "cut out, cutout, isolate, extract, transparent background, make the background transparent, "
        "background transparent, turn the background transparent, on transparent, "
        "knock out the background, remove the background, remove background, delete the background, "
        "erase the background, get rid of the background, remove the bg, background removed, "
        "take away the background, no background"
    ),
    "do:clear": "transparent, see through, invisible",
    "do:replace": "replace, swap, exchange, substitute, switch, swap out",
    "do:crop": (
        "crop, trim, cut down, cut to, zoom in on, zoom in to, zoom into, zoom on, reframe, frame, cut it to, "
        "cut the photo to, cut the picture to"
    ),
    "do:resize": "resize, scale, rescale, resample, size it",
    "do:shrink": "shrink, downscale, scale down, downsize, make smaller, smaller size, downsample",
    "do:upscale": (
        "upscale, upsize, enlarge, super resolution, superresolution, super-resolve, increase the resolution, "
        "increase resolution, higher resolution, scale up, high res, hi-res, upscaling, upsample, "
        "raise the resolution, boost the resolution, double the resolution, enhance the resolution"
    ),
    "do:rotate": "rotate, rotation, spin, tilt, rotating",
    "do:flip": "flip, mirror, mirrored, mirroring, reflect, flop, flipping, mirror image",
    "do:redact": (
        "redact, censor, anonymise, anonymize, obscure, unreadable, hide the identity of, make unreadable, "
        "unrecognisable, unrecognizable, mask out, hide, conceal, blur out the identity of"
    ),
    "do:blackout": "black out, blacked out, black bar over, put a black bar over",
    "do:pixelate": "pixelate, pixelated, pixellate, mosaic, pixelise, pixelize, pixilate",
    "do:blur": (
        "blur, blurry, blurred, blurrier, out of focus, defocus, soften, softer, fuzzy, blurring, fuzzier, "
        "unsharp, hazy"
    ),
    "do:bokeh": (
        "portrait mode, portrait effect, bokeh, shallow depth of field, depth of field, portrait look, "
        "background blur, blurry background, blurred background"
    ),
    "do:sharpen": "sharpen, sharper, crisper, crisp, crispen, sharpening, more in focus, sharp",
    "do:bw": (
        "black and white, black & white, b&w, bw, b/w, b & w, b and w, grayscale, greyscale, gray scale, "
        "grey scale, monochrome, shades of gray, shades of grey, in shades of gray, black n white, "
        "black 'n' white, desaturate completely, desaturate fully, completely desaturate, fully desaturate, "
        "desaturated completely, no colour, no color, colourless, colorless, remove all colour, "
        "remove all color, remove the colour, remove the color, noir, remove all the colour, "
        "remove all the color, take the colour out, take out the colour, take the color out, drain the colour, "
        "drain the color, strip the colour, strip the color"
    ),
    "do:sepia": (
        "sepia, sepia toned, sepia tone, vintage, old photo, old photograph, old picture, antique, old-timey, "
        "old fashioned, old time, aged photo, from the 1900s, from the 1920s, aged, old school, retro, "
        "nostalgic, victorian photo, look old, looks old"
    ),
    "do:vignette": (
        "vignette, vignetting, vignetted, dark corners, darken the corners, darken the edges, darker corners, "
        "darker edges, dark edges, darken corners, darken edges"
    ),
    "do:denoise": "noise, grain, grainy, noisy",
    "more:#0000ff": "bluer",
    "more:#ff0000": "redder",
    "more:#008000": "greener",
    "more:#ffff00": "yellower",
    "more:#ffc0cb": "pinker",
    # -- properties
    "dir:+": (
        "lacks, lacking, needs, increase, more, raise, boost, up, higher, turn up, crank up, bump up, pump up, "
        "bring out, amp up, enhance, intensify, strengthen, stronger, add more, bump, lift, push, heighten, "
        "improve, extra, greater, add some, a touch of, add a bit of, add a little, dial up, some more, crank"
    ),
    "dir:-": (
        "decrease, less, reduce, lower, turn down, tone down, bring down, lessen, down, weaken, dial down, drop, "
        "diminish, dial back, weaker, fewer, take down, too much, tame, mute"
    ),
    "adj:brightness:+": (
        "brighten, brighten up, brighter, lighten, lighter, light up, lighten up, illuminate, relight brighter, "
        "brightening, not so dark, less dark, not as dark, less dim, less gloomy, radiant"
    ),
    "adj:brightness:-": (
        "gloomier, darken, darker, dim, dimmer, darkening, not so bright, less bright, darken down, "
        "not as bright, moodier"
    ),
    "adj:contrast:+": (
        "contrasty, more dramatic, punchy, punchier, more contrasty, less flat, dehaze, less hazy, more punch, "
        "add punch, less washed out, not so flat, crunchy, remove the haze, remove haze, get rid of the haze"
    ),
    "adj:contrast:-": "flatter, less contrasty, low contrast, soften the contrast",
    "adj:saturation:+": (
        "vivid, vibrant, saturate, saturated, colourful, colorful, pop, pops, poppy, richer, more lively, "
        "livelier, saturating, more alive, less dull, not so dull, stand out, less muted, less faded, vivider, "
        "more intense colours, richer colours, vibrancy, bolder colours, punchy colours"
    ),
    "adj:saturation:-": (
        "desaturate, desaturated, muted, less colourful, less colorful, less vivid, less vibrant, "
        "less saturated, faded, fade, washed-out look, paler, desaturating, subdued, duller, pastel, more muted, "
        "not so colourful, not so colorful"
    ),
    "adj:warmth:+": (
        "cosy, cozy, sunny, warmer, warm up, warmer tones, less cold, less cool, less blue, less bluish, "
        "golden hour, warmer tone, sunnier, cosier, cozier, not so cold, not so blue, remove the blue tint, "
        "remove the blue cast, warming, toastier"
    ),
    "adj:warmth:-": (
        "cooler, colder, cool down, cooler tones, less warm, less yellow, less orange, less yellowish, "
        "cooler tone, icier, not so yellow, not so warm, remove the yellow tint, remove the yellow cast, "
        "remove the orange tint, remove the orange cast, cooling, cool off, chilly, frosty"
    ),
    "adj:exposure:+": "overexpose, expose more",
    "adj:exposure:-": "underexpose, expose less",
    "state:brightness:-": "dark, gloomy, murky, shadowy",
    "state:brightness:+": "bright, glaring, blinding, luminous",
    "state:contrast:-": "flat, washed out, foggy, milky",
    "state:contrast:+": "harsh, high contrast",
    "state:saturation:-": "dull, drab, lifeless, boring, bland, colour washed out, pale colours",
    "state:saturation:+": "garish, oversaturated, over-saturated, gaudy, loud, over saturated",
    "state:warmth:+": "hot, warm, warm tinted",
    "state:warmth:-": "cold, cool, icy",
    "state:exposure:-": "underexposed, under exposed, under-exposed",
    "state:exposure:+": "overexposed, over exposed, over-exposed, blown out",
    "prop:brightness": "brightness, luminosity, lightness, light level, luminance, darkness level",
    "prop:contrast": "contrast, contrasts",
    "prop:saturation": (
        "saturation, vibrance, colour intensity, color intensity, colors, colours, colour saturation, "
        "color saturation, vividness, intensity of the colours, intensity of the colors"
    ),
    "prop:colour": "colour, color, hue",
    "prop:warmth": "warmth, temperature, colour temperature, color temperature, white balance, warm tones",
    "prop:exposure": "exposure, ev",
    "prop:sharpness": "sharpness, clarity, detail, details, definition, focus, crispness",
    "prop:blur": "blurriness, softness",
    "prop:size": "size, resolution, dimensions",
    "complain:is": (
        "fix, correct, it's, its, it is, is, are, looks, look is, seems, appears, feels, came out, turned out, "
        "is looking, i find, image is, looking, comes across"
    ),
    "complain:too": "too, overly, excessively, a bit too, a little too, kind of too",
    # -- amounts
    "strength:0.4": (
        "kinda, sorta, sort of, "
        "slightly, a bit, a little, a little bit, a tad, a touch, somewhat, a smidge, a hint, subtly, gently, "
        "lightly, subtle, mildly, faintly, tiny bit, a tiny bit, barely, just a bit, just a little, bit, gentle, "
        "slight, softly, a tiny, kind of, a hair, mild, faint, a notch"
    ),
    "strength:0.6": (
        "not too much, but not too much, not too strong, don't overdo it, dont overdo it, moderately, "
        "not overly, not too strongly, do not overdo it, without overdoing it, nothing too crazy, within reason, "
        "not much, fairly, not by much"
    ),
    "strength:1.7": (
        "much, a lot, lots, strongly, heavily, really, considerably, significantly, way, far, very much, "
        "big time, very, heavy, strong, lots of, a lot of, a whole lot, substantially, seriously, noticeably, "
        "quite a bit, so much, a ton, super, hugely, plenty"
    ),
    "strength:2.2": (
        "extremely, totally, completely, drastically, dramatically, insanely, massively, to the max, maximum, "
        "max, fully, entirely, dramatic, extreme, ridiculously, all the way, insane, crazy, radically, intensely"
    ),
    "mult:2": "double, twice, twofold, doubled, times two, two times, 2 times, twice as, doubling",
    "mult:3": "triple, three times, threefold, thrice, 3 times",
    "mult:4": "quadruple, four times, fourfold, 4 times",
    "mult:0.5": "half, halve, halved, by half, in half, half as, one half, half of",
    "mult:0.25": "quarter, a quarter, one quarter, a fourth, one fourth",
    "mult:0.3333": "third, a third, one third",
    "mult:0.6667": "two thirds",
    "mult:0.75": "three quarters, three fourths",
    "mult:0.2": "a fifth, one fifth, fifth",
    "mult:0.1": "a tenth, one tenth, tenth",
    "num:1": "one",
    "num:2": "two, couple of, a couple of",
    "num:3": "three",
    "num:4": "four",
    "num:5": "five",
    "num:6": "six",
    "num:7": "seven",
    "num:8": "eight",
    "num:9": "nine",
    "num:10": "ten",
    "num:12": "twelve",
    "num:15": "fifteen",
    "num:20": "twenty",
    "num:25": "twenty five",
    "num:30": "thirty",
    "num:40": "forty",
    "num:45": "forty five",
    "num:50": "fifty",
    "num:60": "sixty",
    "num:70": "seventy",
    "num:75": "seventy five",
    "num:80": "eighty",
    "num:90": "ninety",
    "num:100": "hundred, one hundred, a hundred",
    "num:180": "one hundred eighty, one eighty, hundred and eighty",
    "unit:percent": "percent, per cent, pct, %",
    "unit:px": "px, pixel, pixels, pix",
    "unit:degree": "degree, degrees, deg, °",
    "unit:stop": "stop, stops, ev, f-stop, f-stops",
    "unit:megapixel": "megapixel, megapixels, mp, mpix, mpx",
    "unit:times": "times, x, fold, ×",
    "dim:width": "wide, width, in width, across",
    "dim:height": "tall, high, height, in height",
    "dim:long": (
        "longest side, long side, longer side, longest edge, long edge, the longest side, largest side, max side"
    ),
    "dim:short": "shortest side, short side, shorter side, shortest edge, short edge, smallest side",
    "adjective:largest": "biggest, largest",
    "adjective:smallest": "smallest, littlest, tiniest",
    "size:small": "small, tiny, little, smaller, small letters, small print, littler, teeny",
    "size:big": "big, large, bigger, larger, big letters, large letters, big bold, bold",
    "size:huge": "huge, giant, enormous, gigantic, very big, very large",
    "dim:thumbnail": "thumbnail",
    # -- places, ratios, directions
    "place:top-left": (
        "top left, top left corner, upper left, upper left corner, top-left, left top, upper left hand corner"
    ),
    "place:top": "top, at the top, top center, top centre, on top, top edge, upper, up top, header, top middle",
    "place:top-right": (
        "top right, top right corner, upper right, upper right corner, right top, upper right hand corner"
    ),
    "place:left": (
        "left, left side, left edge, on the left, to the left, on the left side, leftmost, left hand, leftwards"
    ),
    "place:center": "center, centre, middle, in the middle, in the center, in the centre, central, centered, centred",
    "place:right": (
        "right, right side, right edge, on the right, to the right, on the right side, rightmost, right hand, "
        "rightwards"
    ),
    "place:bottom-left": "bottom left, bottom left corner, lower left, lower left corner, left bottom",
    "place:bottom": (
        "bottom, at the bottom, bottom center, bottom centre, bottom edge, lower, footer, underneath, beneath, "
        "bottom middle, below"
    ),
    "place:bottom-right": (
        "bottom right, bottom right corner, lower right, lower right corner, right bottom, corner, the corner, "
        "in the corner, a corner"
    ),
    "turn:90": "clockwise, cw, quarter turn, a quarter turn",
    "turn:-90": "counterclockwise, counter-clockwise, anticlockwise, anti-clockwise, ccw, counter clockwise",
    "turn:180": "upside down, half turn, a half turn, on its head, the other way up, upside-down",
    "axis:horizontal": (
        "horizontally, horizontal, left to right, left-right, sideways, left and right, "
        "across the vertical axis, side to side, right to left"
    ),
    "axis:vertical": "vertically, vertical, top to bottom, up and down, top-bottom, top and bottom",
    "ratio:1:1": "square, squared, insta square, instagram square, square format",
    "ratio:16:9": "widescreen, wide screen, youtube thumbnail, wallpaper format",
    "ratio:9:16": "story format, instagram story, tiktok format, reel format, phone wallpaper format",
    "ratio:4:5": "instagram portrait, portrait format, portrait, portrait orientation, portrait ratio",
    "ratio:3:2": "landscape, landscape format, landscape orientation",
    "ratio:21:9": "cinematic format, ultrawide, cinemascope, cinema format",
    "shade:dark": "dark, darker, deep, deeper, deep dark",
    "shade:light": "light, lighter, pale, pastel, soft, paler",
    "shade:vivid": "bright, brighter, vivid, neon, intense, vibrant, strong, rich",
    "style:painting": (
        "painting, oil painting, painted, watercolor, watercolour, painterly, canvas, oil paint, oil on canvas, "
        "acrylic painting, hand painted, impressionist, impressionist painting, work of art"
    ),
    "style:pencil": (
        "pencil, sketch, pencil drawing, pencil sketch, drawing, drawn, line drawing, hand drawn, "
        "charcoal drawing, sketched, pencil art, line art, charcoal sketch"
    ),
    "style:cartoon": (
        "cartoon, cartoonish, comic, comic book, cartoonify, cartoony, comic strip, cartoonize, cartoonise, toon"
    ),
    "fill:gradient": "gradient, fade from, ombre",
    "fill:reference": (
        "the other photo, the other picture, the other image, the other one, "
        "i gave you, i attached, i've attached, i sent, i sent you, i uploaded, i provided, i provide, i included, "
        "other photo, other picture, other image, second photo, second picture, second image, reference, "
        "reference photo, reference image, reference picture, this photo, attached photo, attached image, "
        "other one, attached picture, first reference, provided photo, provided image"
    ),
    "fill:reference2": "third photo, third image, second reference, third picture",
    "fill:plain": (
        "plain, solid, uniform, solid colour, solid color, plain colour, plain color, single colour, single color, "
        "a solid, flat colour, flat color"
    ),
    # -- what stays
    "ignore:correct": "actually, instead, in fact, better yet, rather",
    "keep:keep": (
        "keep, leave, preserve, retain, keeping, leaving, protect, hold, keep it, stays, stay, remain, remains, "
        "maintain, spare, never mind, forget about, ignore, disregard, leave out, don't worry about"
    ),
    "keep:same": (
        "as it is, as is, unchanged, untouched, alone, the same, intact, as they are, like it is, "
        "exactly as it is, the way it is, as it was"
    ),
    "neg:not": (
        "don't, dont, do not, not, without, never, no, doesn't, without changing, don't touch, do not touch, "
        "don't change, do not change, without touching, without affecting, don't alter, not the, avoid, "
        "no changes to, instead of, rather than"
    ),
    "except:": (
        "except, except for, apart from, but not, other than, besides, excluding, with the exception of, "
        "everything but, all but, but for, aside from, outside of, outside"
    ),
    "only:": "only, just the, nothing but, solely, only the",
    "rest:": (
        "rest, everything else, the rest, all the rest, remainder, the remainder, rest of the image, "
        "rest of the photo, rest of the picture, the others, everything around it, surroundings"
    ),
    # -- glue
    "all:": (
        "png, jpg, jpeg, file, area, region, page, whole page, entire page, "
        "document, scan, screenshot, image, photo, picture, pic, photograph, "
        "everything, whole image, whole photo, whole picture, "
        "whole thing, entire image, entire photo, entire picture, shot, snapshot, scene, canvas size, pics, img, "
        "overall"
    ),
    "it:": "it, this, that, this one, that one, them, they, these, those",
    "do:select": "select, look at, focus on, find, pick, see the, take a look at, consider, see",
    "verb:remove": "take, wipe, edit, photoshop",
    "verb:cutout": "cut",
    "particle:": "out, off, away",
    "pronoun:subject": "her, him, me, he, she, us, myself, his",
    "det:all": "all the, all, every, each, both, all of the, all of",
    "det:": "the, a, an, my, its, some, our, your, their, any",
    "prep:into": "into",
    "prep:to": "to, towards, toward, until, reach",
    "prep:with": "with, using, by, wearing, holding, carrying",
    "prep:in": "in, inside, within, onto",
    "prep:on": "on, at, over, against, upon, across the",
    "prep:behind": "behind",
    "prep:beside": "next to, beside, besides the, above, under, between",
    "prep:before": "in front of, before",
    "prep:of": "of, from, off of, out of",
    "prep:for": "for, as if, so",
    "purpose:": (
        "so the, so this, so all, so every, so everything, "
        "so each, so that, so it, so nobody, so no one, so noone, so it's, so it is, so its, so it can, "
        "so it can't, "
        "so it cannot, "
        "so it isn't, so i, so you, so we, so people, so they, so he, so she, so there's, so viewers, so everyone, "
        "so everybody, so the viewer, so my, so her, so his, so their, because, since, in order to, "
        "in order not to, "
        "so as to, so as not to, to make it easier, to make them easier, to make reading, to protect, to help, "
        "otherwise, for easier, for better, for readability, for legibility, for privacy, for privacy reasons, "
        "for anonymity"
    ),
    "prep:like": "like, as, look like, looks like, resemble",
    "prep:around": "around, round, near",
    "prep:x": "x, by",
    "conj:and": "and, &, plus, as well as, also, and also",
    "conj:then": "then, and then, afterwards, after that, finally, next, first, secondly, followed by",
    "conj:but": "but, however, though, yet, while, whilst, but also",
    "complain:enough": "enough",
    "ignore:": (
        "sorry, wait, pardon, correction, hmm, err, uh, um, can u, could u, would u, will u, u, "
        "of the original, original, please, i'd love it if you could, i would love it if you could, "
        "i'd love, love, "
        "it would be nice if, would it be possible to, is it possible to, possible, any chance you could, pls, "
        "plz, could you, can you, would you, could, can, would, you, i, i'd, i'd like, i'd like to, "
        "i would like, i would like to, i want, i want to, i want you to, want, kindly, thanks, thank you, hey, "
        "hi, hello, just, maybe, perhaps, simply, let's, lets, let, try, try to, a version, version, result, "
        "if possible, if you can, be, being, been, look, looking good, appear, become, feel, need, need to, "
        "to be, more or less, let's have, would be nice, nice, nicely, good, great, a favour, thx, ok, okay, so, "
        "go ahead and, will you, we, help me, help, wish, were, was, do, it would be great if, format, "
        "aspect ratio, ratio, effect, filter, tone, tones, tint, style, mode, slightly more or less, now, here, "
        "there, there's, will, am, i'm, letters, font, completely new, itself, a shade, shade, kind, type of, "
        "part of it, "
        "on each side, each side, per side, on every side, on all sides, pull, in order to, margin, "
        "padding, my friend, dear, tightly, tight, and so on, make sure, "
        "make sure that, sure, ensure, ensure that, i think, oh, well done, properly, also please, value, level, "
        "by a factor of, factor of, factor, which, who, such that, touch up, its colour, aspect"
    ),
    # -- corrections: a word with two senses is one where it stands alone between two marks ("blue, no, green")
    "correct:": (
        "no wait, wait no, actually no, no actually, scratch that, strike that, cancel that, forget that, "
        "ignore that, "
        "i mean, i meant, or rather, on second thought, on second thoughts, correction, i take that back, "
        "take that back, "
        "hold on, my mistake, my bad, oops, let me rephrase, no no, changed my mind, i changed my mind, "
        "i've changed my mind, "
        "nope, no, wait, sorry, pardon, never mind, nevermind, hmm, err, uh, um"
    ),
    # -- what no classical editor can do
    "new:season": (
        "winter, wintry, summer, autumn, spring, snowy, snow, rain, rainy, snowing, raining, stormy, "
        "foggy weather, christmas, halloween, fall season, autumnal, winter wonderland"
    ),
    "new:time": (
        "night, nighttime, night time, daytime, day time, sunset, sunrise, dusk, dawn, morning, evening, "
        "midnight, at night, noon, blue hour"
    ),
    "new:pose": (
        "pose, posture, smile, expression, facial expression, frown, look at the camera, "
        "face the camera, laugh, wink, sit, stand, jump, run, "
        "wave, dance, sleep, open its eyes, close its eyes, open her eyes, "
        "close her eyes, open his eyes, close his eyes, fly, sad, happy, angry, hold hands, turn around, "
        "turned around, eyes open, eyes closed, gaze, looking at"
    ),
    "new:posed": (
        "smiling, laughing, sitting, standing, jumping, running, waving, dancing, sleeping, flying, "
        "lying, walking, kneeling, leaning, resting, looking, sat, seated"
    ),
    "new:age": (
        "younger, older, look younger, look older, thinner, slimmer, fatter, taller person, muscular, prettier, "
        "beautify, more beautiful, handsome, slim, hairstyle, haircut, bald, beard, moustache, mustache, makeup, "
        "make-up, gender, wrinkles, bearded"
    ),
    "new:material": (
        "wooden, metal, made of wood, made of glass, made of gold, marble, made of, furry, transparent glass, "
        "leather, knitted, lego, ice sculpture, origami, clay, plastic"
    ),
    "new:artist": (
        "van gogh, monet, picasso, ghibli, studio ghibli, anime, pixar, disney, in the style of, 3d render, "
        "pixel art, cyberpunk, steampunk, simpsons, manga, dali, vermeer, hokusai, style of, 3d, warhol, "
        "rembrandt, banksy, klimt, minecraft, vaporwave, art deco, watercolour by, 8 bit, low poly, renaissance"
    ),
    "new:extend": (
        "extend, expand, outpaint, uncrop, widen the view, zoom out, extend the canvas, wider view, fill in the sides"
    ),
    "new:move": "move, shift, relocate, drag, rearrange, reposition, nudge",
    "new:restore": (
        "colourise, colorise, colorize, restore, restoration, denoise, deblur, unblur, remove the noise, "
        "remove noise, reduce noise, reduce the noise, remove the grain, scratches, repair, remove scratches, "
        "red eye, red-eye, hdr, relight, remove the shadows, remove shadows, remove the reflection, straighten, "
        "level the horizon, perspective, remove the glare, translate, lens distortion"
    ),
    "new:angle": (
        "from above, from below, from behind, side view, different angle, another angle, camera angle, "
        "bird's eye, front view, close up of, viewpoint, angle"
    ),
    "new:wording": (
        "something, anything, the date, today's date, todays date, the time, my name, a joke, a poem, a slogan, "
        "a greeting, a caption for me"
    ),
    "new:count": "the other, the second, the third, the fourth, the fifth, one of the",
    "new:video": "animate, video, gif, animation, animated",
    "new:generate": "stripes, polka dots, generate, imagine, create a new, invent, create, design",
}
