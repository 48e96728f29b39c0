"""English words that are one or two letters away from a word of the lexicon, and are no typing errors."""

__all__ = ["REAL_WORDS"]

REAL_WORDS = frozenset(
    """
affection afterward agitation aground ahmad alice alike along altar ample angel angie anglo ankle appeal appeals
attache attacked attracted automotive backed baird banks barley basque battle bauer beautifully became benny
beside biker binding blackened blanc blaze blazed blending blinking block blocked bloody bloom blows blurted
board boarded bollywood border boulder bowing brand breach break breed bride bridget brighton brink broad brood
brook browne brows brush bunch busch calder camel cameo cartoonist castile cattle caution cello centrally centro
certain chain chancel chang chanting charge charges charging charity chile chili choir choral chose christian
christians clair clarify clary click cloak clone clothed cloudy clutching coach codes colon comet comets
commuter completed completes compute computed concert cones conner conor considerable contract contracts convent
cooking cooper cores coroner correctly cosmic cough couldn coulter counted coupe covert crack crane crate creamy
crete crouch crowe crown crows crunch dalai dancer dante darren death decor decree decrees definitive denise
difference differently differing dimension dimensional diving donor doubted dried driver drone dutch dwyer edict
edith elise elsie emery endure entirety exceeding exceptional excerpt excessive exclusively execution exemption
exploding expressing expressive extensively extent eyelashes facto factory facts fairy famed faster fated fates
father favor feeds ferry fever fibre fifteenth fifth filed fined flare flavour fling flint float flowed flown
flutter follower followers folly footballer footed formal forrest forte forth forts foster fried fringe fuels
garage generator gentlemen gentry given globe gloom gloss glover gough gould grabs grace grade grady grams
granny grant graph grasp grassy grave greed greek greenberg greenwich greer greta groin gross grove grown hairy
halle halted handel handler hangs havre hazel healer healy heard heaved helmut hilly hoarse hodge homer homme
horde horne horst humane hunan identify immensely impressions incense individually insect insider instantly
integrity intent intercity intro invest kinda knotted lange larry latter launching leading leaking leaning leans
leaping lease leases leasing lesser lesson lever libel lightning likely linden linger lister liter livery
locking locks longed looming loops loose looting lotus lough lovely lowry magna maine mainz maker makers males
mango mania marin marion marking marlon mated mater mates mating maximus meade medal mental meteor metre meyer
moaning model monde monte month moore moose mourning movie mused needy newer niche niece nostalgia nothin
noticeable oliver otter outsider overcoming overlap packing pained pains painter palace palmer panted panting
parenting parsons parting party paste pasture patel patted pearl pearson pedal penal perch photographer
photographic photography photon piazza pinch piper pitted plaid plata plato pleas plotted plume pointed
pointedly pointing poker polly poole ported posse possibly potter powder preach prick project prone property
props prose prospective protector protest proto provide provider providers provides pulse purge pursue quarterly
quartet quiet quote rabbi rabbis radio raiding railing raion rally ready rebel reelection reflective regain
regaining reilly rejection reminder repetition replicate reset reside retail revolution revolutions richter
rider ridiculous ringo rivera roach rocker rocky rosen rosie rotational rotting rouse rover royale rudder
sailing salim salman salon saloon sandy sauce saving scala scalp scarlett scars scary scent scratched scripture
sculptors seater secondary seeds seeks seize seventh severn shady shaft shake shall shane shape shark sharpe
shave sheen sheer sheet shire shooter shops shouldn shove showing shriek shrine shrug sidewalks siena sight
significant simple simpson situation sixth skier slade sleek sleepy slick slide slides slowing smell smiley
smoky snort sofia somme sorts space spain spark sparse speaker spectacle spies spine spire spitting splitting
spoke spores spots sprang springsteen sprint sprung squire stack stacy stade stains stall stark starr start
stats stems steps steven sticky stitch stock storms stove strand strangely stranger strangers strap stray
strengths stretched stretches stripe strongest strung stuck subset substantial suite sumner superb supper surge
surrounding swallow swamp swaying sweeping swift swimmer tablet tainted taken tally tamil tanks teens teller
temperate tenth thick thirsty thong thought thrash threshold threw thrive through tides tiles timely timmy
tinged tonnes torch towel track trait transfers translator transparency transport trick trough truce trunk tunes
tuning turin turing turner twain tying unbearable uniformly unreliable upton vague valle valve vantage venerable
victoria victories violent waiter waiting waking wally walter wards warner warning warring wasted watery weave
weaver weaving weren where whore whose widow wilde wilder willy wince winery winger winner woken wooded worlds
worms wouldn wound woven wrinkled writer writhing wrote
""".split()
)
