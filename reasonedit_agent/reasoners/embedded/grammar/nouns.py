# ruff: noqa: E501 - one row per entry of a table is easier to read and to extend than wrapped rows
"""Things that photos show: one row per noun, one column per language.

The first English word is the normalised noun that perception is asked for; further words of a cell are synonyms.
English plurals and the other languages' endings are found by the lexicon, so that only irregular forms stand here.
"""

__all__ = ["COLUMNS", "ROWS"]

COLUMNS = ("en", "zh", "de", "es", "fr")

_SELECTED = (
    *(
        f"{noun} {mark}"
        for noun in "area region part box rectangle section spot place bit".split()
        for who in ("i", "that i", "i've", "i have", "which i")
        for verb in "boxed selected marked drew drawn circled highlighted outlined picked".split()
        for mark in (f"{who} {verb}",)
    ),
    *(
        f"{mark} {noun}"
        for mark in "selected marked boxed highlighted circled outlined drawn given indicated my this that".split()
        for noun in "area region part box rectangle section spot".split()
    ),
    *(
        f"{what} {where} the box"
        for what in ("what's", "what is", "whatever is", "everything")
        for where in ("in", "inside")
    ),
    *(f"what i {verb}" for verb in "boxed selected marked circled highlighted outlined".split()),
)
_CHOSEN = (
    f"{who}{verb}{of}{noun}"
    for who in ("", "我")
    for verb in ("框选", "框", "画", "圈", "选中", "选择", "标记", "选")
    for of in ("的", "出来的", "出的", "了的")
    for noun in ("区域", "部分", "地方", "框", "范围", "位置", "东西")
)
_MARKED = tuple(
    f"{mark}{end} {noun}"
    for mark in ("markiert", "ausgewählt", "eingerahmt", "umrandet", "eingekreist")
    for end in ("er", "en", "e", "es")
    for noun in ("Bereich", "Teil", "Stelle", "Fläche", "Rechteck", "Ausschnitt")
)
_SENALADO = tuple(
    f"{noun} {mark}{'o' if noun in ('recuadro', 'rectángulo') else 'a'}"
    for noun in ("área", "zona", "parte", "región", "recuadro", "rectángulo")
    for mark in ("seleccionad", "marcad", "señalad", "indicad")
)
_ENCADRE = tuple(
    f"{noun} {mark}{'' if noun == 'rectangle' else 'e'}"
    for noun in ("zone", "partie", "région", "rectangle")
    for mark in ("sélectionné", "marqué", "encadré", "entouré", "indiqué")
)

_REGION = f"""
selection, {", ".join(_SELECTED)} | 选区, 框选区域, 选中区域, 选中部分, 所选区域, 所选部分, 标记区域, 框里, 框内, 框里的东西, 框内的东西, 框中的东西, 选区里的东西, 选区内的东西, 框里的物体, 选区内, 框里面, 框中, 这个区域, 这块区域, 这块, 这部分, 这个部分, {", ".join(_CHOSEN)} | Auswahl, das im Kasten, was im Kasten ist, im Kasten, im Rahmen, {", ".join(_MARKED)} | selección, {", ".join(_SENALADO)}, recuadro, lo que está en el recuadro, lo que hay en el recuadro, dentro del recuadro | sélection, {", ".join(_ENCADRE)}, encadré, ce qui est dans le cadre, dans le cadre, contenu du cadre
deer, stag, doe | 鹿, 小鹿, 梅花鹿 | Hirsch, Reh | ciervo, venado | cerf, biche
moose, elk | 驼鹿, 麋鹿 | Elch | alce | élan, orignal
reindeer | 驯鹿 | Rentier | reno | renne
fox | 狐狸 | Fuchs | zorro | renard
wolf | 狼 | Wolf | lobo | loup
squirrel | 松鼠 | Eichhörnchen | ardilla | écureuil
hedgehog | 刺猬 | Igel | erizo | hérisson
raccoon | 浣熊 | Waschbär | mapache | raton laveur
otter | 水獭 | Otter | nutria | loutre
beaver | 河狸 | Biber | castor | castor
badger | 獾 | Dachs | tejón | blaireau
pig, hog, piglet | 猪, 小猪 | Schwein, Ferkel | cerdo, cerdito | cochon, porc
boar | 野猪 | Wildschwein | jabalí | sanglier
goat | 山羊 | Ziege | cabra | chèvre
donkey, mule | 驴, 驴子, 骡子 | Esel | burro, mula | âne, mule
camel | 骆驼 | Kamel | camello | chameau
llama, alpaca | 羊驼, 草泥马 | Lama, Alpaka | alpaca | lama, alpaga
bison, buffalo | 野牛, 水牛 | Bison, Büffel | bisonte, búfalo | bison, buffle
antelope, gazelle | 羚羊 | Antilope, Gazelle | antílope, gacela | antilope, gazelle
rhino, rhinoceros | 犀牛 | Nashorn | rinoceronte | rhinocéros
hippo, hippopotamus | 河马 | Nilpferd | hipopótamo | hippopotame
kangaroo, wallaby | 袋鼠 | Känguru | canguro | kangourou
koala | 考拉, 树袋熊 | Koala | koala | koala
gorilla, ape | 大猩猩 | Gorilla | gorila, simio | gorille
chimpanzee, chimp | 黑猩猩 | Schimpanse | chimpancé | chimpanzé
leopard, jaguar, cheetah | 豹子, 豹, 猎豹 | Leopard, Gepard, Jaguar | leopardo, guepardo, jaguar | léopard, guépard, jaguar
lynx, bobcat | 猞猁 | Luchs | lince | lynx
seal, walrus | 海豹, 海象 | Robbe, Seehund, Walross | foca, morsa | phoque, morse
hamster, gerbil | 仓鼠 | Hamster | hámster | hamster
rat | 鼠 | Ratte | rata | rat
lizard, gecko, iguana | 蜥蜴, 壁虎 | Eidechse, Gecko | lagarto, iguana | lézard, iguane
crocodile, alligator | 鳄鱼 | Krokodil | cocodrilo, caimán | crocodile, alligator
frog, toad | 青蛙, 蛤蟆 | Frosch, Kröte | rana, sapo | grenouille, crapaud
snake | 蛇 | Schlange | serpiente, culebra | serpent
turtle, tortoise | 乌龟, 海龟 | Schildkröte | tortuga | tortue
whale | 鲸鱼, 鲸 | Wal | ballena | baleine
dolphin | 海豚 | Delfin | delfín | dauphin
shark | 鲨鱼 | Hai | tiburón | requin
penguin | 企鹅 | Pinguin | pingüino | pingouin, manchot
owl | 猫头鹰 | Eule | búho, lechuza | hibou, chouette
goose | 鹅, 大雁 | Gans | ganso | oie
turkey | 火鸡 | Truthahn | pavo | dinde
rooster, cock | 公鸡 | Hahn | gallo | coq
peacock | 孔雀 | Pfau | pavo real | paon
flamingo | 火烈鸟 | Flamingo | flamenco | flamant rose
pelican | 鹈鹕 | Pelikan | pelícano | pélican
heron, stork, crane | 鹤, 白鹭, 鹳 | Reiher, Storch, Kranich | garza, cigüeña, grulla | héron, cigogne, grue
crow, raven | 乌鸦 | Krähe, Rabe | cuervo | corbeau, corneille
hawk, falcon | 老鹰, 鹰, 隼 | Falke, Habicht | halcón | faucon
ostrich | 鸵鸟 | Strauß | avestruz | autruche
hummingbird | 蜂鸟 | Kolibri | colibrí | colibri
insect, beetle | 昆虫, 虫子, 甲虫 | Insekt, Käfer | insecto, escarabajo | insecte, scarabée
spider | 蜘蛛 | Spinne | araña | araignée
wing | 翅膀 | Flügel | ala | aile
feather | 羽毛 | Feder | pluma | plume
paw | 爪子 | Pfote | pata | patte
horn, antler | 角, 鹿角 | Horn, Geweih | cuerno | corne, bois
arm | 手臂, 胳膊 | Arm | brazo | bras
leg | 腿 | Bein | pierna | jambe
foot, feet | 脚 | Fuß, Füße | pie | pied
eyebrow, brow | 眉毛 | Augenbraue | ceja | sourcil
statue, sculpture | 雕像, 雕塑, 塑像 | Statue, Skulptur | estatua, escultura | statue, sculpture
fountain | 喷泉 | Brunnen, Springbrunnen | fuente | fontaine
cabin, hut | 小屋, 木屋 | Hütte | cabaña | cabane
balcony | 阳台 | Balkon | balcón | balcon
railing | 栏杆 | Geländer | barandilla | rambarde, balustrade
street lamp, lamp post | 路灯, 街灯 | Straßenlaterne | farola | réverbère
mailbox, letterbox | 邮筒, 信箱 | Briefkasten | buzón | boîte aux lettres
wave | 海浪, 浪花 | Welle | ola | vague
ice | 冰 | Eis | hielo | glace
teapot, kettle | 茶壶, 水壶 | Teekanne, Wasserkessel | tetera, hervidor | théière, bouilloire
jar, can, tin | 罐子, 罐头 | Glasdose, Dose | tarro, lata | bocal, boîte de conserve
barrel, cask | 酒桶, 木桶, 桶 | Fass | barril | tonneau
cutlery, silverware | 餐具 | Besteck | cubiertos | couverts
chopsticks | 筷子 | Essstäbchen | palillos | baguettes
blanket, duvet | 毯子, 被子 | Decke, Bettdecke | manta, edredón | couverture, couette
sock | 袜子 | Socke, Strumpf | calcetín | chaussette
earring | 耳环, 耳钉 | Ohrring | pendiente, arete | boucle d'oreille
jewelry, jewellery | 首饰, 珠宝 | Schmuck | joyas | bijoux
coin | 硬币 | Münze | moneda | pièce de monnaie
key | 钥匙 | Schlüssel | llave | clé, clef
rope | 绳子 | Seil | cuerda | corde
pen | 笔, 钢笔 | Stift, Füller | bolígrafo | stylo
paintbrush, paint brush | 画笔, 刷子, 毛笔 | Pinsel | pincel, brocha | pinceau
paint | 颜料 | Farbtopf | pintura fresca | peinture fraîche
notebook | 本子, 笔记本 | Notizbuch | cuaderno | cahier
newspaper | 报纸 | Zeitung | periódico | journal
magazine | 杂志 | Zeitschrift | revista | magazine
poster | 海报 | Poster, Plakat | póster | affiche
cabinet, cupboard | 柜子 | Schrank | armario | armoire, placard
bookshelf, bookcase | 书架, 书柜 | Bücherregal | estantería | étagère, bibliothèque
guitar | 吉他 | Gitarre | guitarra | guitare
piano | 钢琴 | Klavier | piano | piano
drum | 鼓 | Trommel | tambor | tambour
robot | 机器人 | Roboter | robot | robot
dandelion | 蒲公英 | Löwenzahn, Pusteblume | diente de león | pissenlit
panda | 熊猫, 大熊猫 | Panda | panda | panda
branch, twig | 树枝 | Ast, Zweig | rama | branche
trunk | 树干 | Baumstamm, Stamm | tronco | tronc
wood, log | 木头, 木材 | Holz | madera | bois
watermelon | 西瓜 | Wassermelone | sandía | pastèque
egg | 鸡蛋, 蛋 | Ei, Eier | huevo | œuf
meat, steak | 肉, 牛排 | Fleisch | carne | viande
cheese | 奶酪, 芝士 | Käse | queso | fromage
burger, hamburger | 汉堡, 汉堡包 | Hamburger | hamburguesa | hamburger
sushi | 寿司 | Sushi | sushi | sushi
noodles, pasta, spaghetti | 面条, 意面 | Nudeln, Spaghetti | fideos, espaguetis | pâtes, nouilles
rice | 米饭, 大米 | Reis | arroz | riz
soup | 汤 | Suppe | sopa | soupe
milk | 牛奶 | Milch | leche | lait
juice | 果汁 | Saft | zumo, jugo | jus
beer | 啤酒 | Bier | cerveza | bière
wine | 红酒, 葡萄酒 | Wein, Rotwein | vino | vin
sailboat | 帆船 | Segelboot | velero | voilier
croissant | 牛角包, 可颂 | Croissant | cruasán | croissant
sticker | 贴纸, 标签贴 | Aufkleber | pegatina | autocollant
claw, pincer | 钳子, 蟹钳 | Schere | pinza | pince
crab | 螃蟹, 蟹 | Krabbe | cangrejo | crabe
beanie | 毛线帽, 针织帽 | Mütze | gorro | bonnet
lampshade | 灯罩 | Lampenschirm | pantalla de lámpara | abat-jour
parrot, macaw | 鹦鹉, 金刚鹦鹉 | Papagei, Ara | loro, guacamayo | perroquet, ara
postcard | 明信片 | Postkarte | postal | carte postale
"""
"""The words for the region that comes with a request; perception is not asked for it."""

ROWS = (
    _REGION.strip()
    + "\n"
    + """
background, backdrop | 背景, 后景, 背景部分 | Hintergrund, Hintergrunds | fondo, fondo de la imagen | fond, arrière-plan, arrière plan, arriere plan
foreground | 前景 | Vordergrund | primer plano | premier plan, avant-plan
subject, main subject, main object, main thing | 主体, 主角, 主物体, 主题 | Motiv, Hauptmotiv, Subjekt | sujeto, objeto principal, motivo | sujet, sujet principal, objet principal
sky, skies, heaven | 天空, 天, 蓝天 | Himmel | cielo | ciel
face, faces, visage | 脸, 人脸, 面部, 脸部, 面孔, 脸蛋 | Gesicht, Gesichter, Gesichtern | cara, rostro, caras, rostros | visage
text, lettering, writing, letters, words, inscription | 文字, 字, 文本, 字样, 文字内容, 字母 | Schrift, Text, Beschriftung, Schriftzug, Texte | texto, letras, letrero de texto | texte, lettres, écriture, inscription
license plate, licence plate, number plate, car plate, registration plate, license plates, licence plates | 车牌, 车牌号, 号牌, 牌照 | Nummernschild, Kennzeichen, Nummernschilder, Kfz-Kennzeichen, Autokennzeichen | matrícula, placa del coche, patente | plaque d'immatriculation, plaques d'immatriculation, plaque minéralogique
watermark | 水印 | Wasserzeichen | marca de agua | filigrane
logo | 标志, 商标, 徽标, logo | Logo | logotipo, logo | logo
person, human, somebody, someone, individual | 人, 人物, 人像, 路人 | Person, Mensch, Menschen | persona | personne, humain
people, crowd, persons, everyone, folks | 人群, 人们, 行人, 大家 | Leute, Menschenmenge | gente, personas | gens, foule
man, men, guy, gentleman, dude | 男人, 男子, 男士, 男的 | Mann, Männer | hombre | homme
woman, women, lady | 女人, 女子, 女士, 女的 | Frau, Frauen, Dame | mujer, señora | femme, dame
boy | 男孩 | Junge, Jungen | niño, chico | garçon
girl | 女孩, 姑娘 | Mädchen | niña, chica | fille
child, children, kid, toddler | 孩子, 小孩, 儿童 | Kind, Kinder | niños, crío | enfant
baby, babies, infant | 婴儿, 宝宝 | Baby, Säugling | bebé | bébé
astronaut, spaceman | 宇航员, 航天员 | Astronaut, Astronautin | astronauta | astronaute
hair | 头发 | Haar, Haare, Haaren | pelo, cabello | cheveux
eye | 眼睛 | Auge, Augen | ojo | oeil, yeux
nose | 鼻子 | Nase | nariz | nez
mouth | 嘴, 嘴巴 | Mund, Maul | boca | bouche
lips, lip | 嘴唇, 唇 | Lippen | labio, labios | lèvres
teeth, tooth | 牙齿 | Zähne | dientes | dents
skin | 皮肤 | Haut | piel | peau
hand | 手 | Hand, Hände | mano | main
head | 头, 头部 | Kopf | cabeza | tête
helmet | 头盔 | Helm | casco | casque
hat, cap | 帽子 | Hut, Mütze | sombrero, gorra | chapeau, casquette
shirt, tshirt, t-shirt, blouse | 衬衫, 上衣, T恤 | Hemd, Bluse, T-Shirt | camisa, camiseta, blusa | chemise, t-shirt, chemisier
dress, gown | 裙子, 连衣裙, 礼服 | Kleid | vestido | robe
skirt | 短裙 | Rock | falda | jupe
pants, trousers, jeans | 裤子, 牛仔裤 | Hose, Jeans | pantalón, pantalones, vaqueros | pantalon, jean
jacket, coat, blazer | 外套, 夹克, 大衣 | Jacke, Mantel | chaqueta, abrigo | veste, manteau
suit, spacesuit | 西装, 宇航服 | Anzug, Raumanzug | traje | costume, combinaison
sweater, jumper, hoodie, pullover | 毛衣 | Pullover | suéter, jersey | pull
shoe, sneaker, boot | 鞋, 鞋子, 靴子 | Schuh, Schuhe, Stiefel | zapato, zapatilla, bota | chaussure, botte, basket
glasses, eyeglasses, spectacles | 眼镜 | Brille | gafas, lentes, anteojos | lunettes
sunglasses | 墨镜, 太阳镜 | Sonnenbrille | gafas de sol | lunettes de soleil
scarf | 围巾 | Schal | bufanda | écharpe, foulard
clothes, clothing, outfit | 衣服, 服装 | Kleidung, Klamotten | ropa | vêtements
flag | 旗, 旗帜, 国旗 | Flagge, Fahne | bandera | drapeau
bicycle, bike | 自行车, 单车 | Fahrrad, Rad | bicicleta, bici | vélo, bicyclette
car, automobile, vehicle | 汽车, 车, 轿车, 车子, 车辆 | Auto, Wagen, Autos | coche, auto, carro | voiture, auto
motorcycle, motorbike | 摩托车 | Motorrad | moto, motocicleta | moto
airplane, plane, aeroplane, aircraft, jet | 飞机 | Flugzeug | avión | avion
bus | 公交车, 巴士, 公共汽车 | Bus | autobús | autobus
train | 火车, 列车 | Zug | tren | train
truck, lorry | 卡车, 货车 | Lastwagen, LKW | camión | camion
boat, ship | 船, 小船, 轮船 | Boot, Schiff | barco, bote, barca | bateau, barque
rocket, spaceship, shuttle | 火箭, 飞船, 航天飞机 | Rakete, Raumschiff | cohete | fusée, navette
traffic light | 红绿灯, 交通灯 | Ampel | semáforo | feu de circulation
fire hydrant, hydrant | 消防栓 | Hydrant | boca de incendios, hidrante | bouche d'incendie
stop sign | 停车标志 | Stoppschild | señal de stop, señal de alto | panneau stop
parking meter | 停车计时器 | Parkuhr | parquímetro | parcmètre
sign, signboard | 招牌, 牌子, 标牌 | Schild | letrero, cartel | panneau, enseigne
bench | 长椅, 长凳 | Bank, Sitzbank | banco | banc
bird | 鸟, 小鸟 | Vogel | pájaro, ave | oiseau
cat, kitten, kitty, kittens | 猫, 猫咪, 小猫 | Katze, Kätzchen | gato, gata, gatito | chat, chatte, chaton
dog, puppy, doggy, puppies | 狗, 小狗, 狗狗 | Hund, Welpe | perro, perra, perrito | chien, chienne, chiot
horse | 马 | Pferd | caballo | cheval, chevaux
sheep | 羊, 绵羊 | Schaf | oveja | mouton
cow | 牛, 奶牛 | Kuh | vaca | vache
elephant | 大象, 象 | Elefant | elefante | éléphant
bear | 熊 | Bär | oso | ours
zebra | 斑马 | Zebra | cebra | zèbre
giraffe | 长颈鹿 | Giraffe | jirafa | girafe
tiger | 老虎, 虎 | Tiger | tigre | tigre
lion | 狮子 | Löwe | león | lion
fish | 鱼 | Fisch | pez, pescado | poisson
butterfly | 蝴蝶 | Schmetterling | mariposa | papillon
bee | 蜜蜂 | Biene | abeja | abeille
rabbit, bunny | 兔子 | Hase, Kaninchen | conejo | lapin
chicken, hen | 鸡 | Huhn | pollo, gallina | poulet, poule
duck | 鸭子, 鸭 | Ente | pato | canard
monkey | 猴子 | Affe | mono | singe
animal | 动物 | Tier | animal | animal, animaux
dragon | 龙 | Drache | dragón | dragon
unicorn | 独角兽 | Einhorn | unicornio | licorne
backpack, rucksack | 背包, 书包 | Rucksack | mochila | sac à dos
umbrella, parasol | 雨伞, 伞 | Regenschirm, Schirm | paraguas, sombrilla | parapluie
handbag, purse, bag | 手提包, 包, 包包 | Handtasche, Tasche | bolso, bolsa, cartera | sac à main, sac
tie, necktie | 领带 | Krawatte | corbata | cravate
suitcase, luggage | 行李箱, 箱子 | Koffer | maleta | valise
frisbee | 飞盘 | Frisbee | frisbee | frisbee
skis, ski | 滑雪板, 雪橇 | Ski, Skier | esquís, esquí | ski
snowboard | 单板滑雪板 | Snowboard | tabla de snowboard | snowboard
sports ball, ball, football, basketball | 球, 足球, 篮球 | Ball, Fußball | pelota, balón | ballon, balle
kite | 风筝 | Drachenflieger, Flugdrachen | cometa | cerf-volant
baseball bat, bat | 棒球棒, 球棒 | Baseballschläger | bate de béisbol, bate | batte de baseball
baseball glove, glove | 棒球手套, 手套 | Baseballhandschuh, Handschuh | guante de béisbol, guante | gant de baseball, gant
skateboard | 滑板 | Skateboard | monopatín | skateboard
surfboard | 冲浪板 | Surfbrett | tabla de surf | planche de surf
tennis racket, racket, racquet | 网球拍, 球拍 | Tennisschläger, Schläger | raqueta de tenis, raqueta | raquette de tennis, raquette
bottle | 瓶子, 酒瓶, 水瓶 | Flasche | botella | bouteille
wine glass, wineglass, glass | 酒杯, 高脚杯, 玻璃杯 | Weinglas, Glas | copa de vino, copa, vaso | verre à vin, verre
cup, mug, teacup, coffee cup | 杯子, 杯, 咖啡杯, 茶杯, 马克杯 | Tasse, Becher, Kaffeetasse | taza | tasse
saucer | 碟子, 茶碟, 杯碟, 托盘 | Untertasse, Unterteller | platillo, plato pequeño | soucoupe
coffee | 咖啡 | Kaffee | café | café
tea | 茶 | Tee | té | thé
fork | 叉子, 餐叉 | Gabel | tenedor | fourchette
knife, knives | 刀, 刀子 | Messer | cuchillo | couteau
spoon, teaspoon | 勺子, 汤匙, 勺, 匙子, 调羹 | Löffel, Teelöffel | cuchara, cucharilla | cuillère, cuiller
bowl | 碗 | Schüssel, Schale | cuenco, tazón, bol | bol
plate, dish | 盘子, 盘, 碟 | Teller | plato | assiette
banana | 香蕉 | Banane | plátano, banana | banane
apple | 苹果 | Apfel | manzana | pomme
sandwich | 三明治 | Sandwich | sándwich, bocadillo | sandwich
orange | 橙子, 橘子 | Orange, Apfelsine | naranja | orange
lemon | 柠檬 | Zitrone | limón | citron
strawberry, strawberries | 草莓 | Erdbeere | fresa | fraise
cherry, cherries | 樱桃 | Kirsche | cereza | cerise
grape | 葡萄 | Traube, Weintraube | uva | raisin
pear | 梨 | Birne | pera | poire
peach | 桃子 | Pfirsich | melocotón, durazno | pêche
tomato, tomatoes | 番茄, 西红柿 | Tomate | tomate | tomate
potato, potatoes | 土豆 | Kartoffel | patata, papa | pomme de terre
pumpkin | 南瓜 | Kürbis | calabaza | citrouille
mushroom | 蘑菇 | Pilz | seta, champiñón | champignon
broccoli | 西兰花 | Brokkoli | brócoli | brocoli
carrot | 胡萝卜 | Karotte, Möhre | zanahoria | carotte
hot dog, hotdog | 热狗 | Hotdog, Hot Dog | perrito caliente | hot-dog
pizza | 披萨, 比萨 | Pizza | pizza | pizza
donut, doughnut | 甜甜圈 | Donut | dónut, rosquilla | donut, beignet
cake | 蛋糕 | Kuchen, Torte | pastel, tarta, torta | gâteau
bread | 面包 | Brot | pan | pain
fruit | 水果 | Obst, Frucht | fruta | fruit
vegetable | 蔬菜 | Gemüse | verdura | légume
food | 食物 | Essen | comida | nourriture
chair, armchair | 椅子, 座椅 | Stuhl, Sessel | silla | chaise, fauteuil
couch, sofa | 沙发 | Sofa, Couch | sofá | canapé, sofa
potted plant, houseplant | 盆栽 | Topfpflanze, Zimmerpflanze | planta en maceta, maceta | plante en pot
bed | 床 | Bett | cama | lit
dining table, table, desk | 餐桌, 桌子, 书桌 | Esstisch, Tisch, Schreibtisch | mesa, mesa de comedor, escritorio | table, table à manger, bureau
tablecloth | 桌布 | Tischdecke | mantel | nappe
toilet | 马桶, 厕所 | Toilette | inodoro | toilettes
tv, television, monitor, screen | 电视, 电视机, 屏幕 | Fernseher, Bildschirm | televisor, televisión, pantalla | télé, téléviseur, télévision, écran
laptop, computer, notebook computer | 笔记本电脑, 电脑 | Laptop, Computer, Rechner | portátil, ordenador, computadora | ordinateur portable, ordinateur
mouse | 鼠标, 老鼠 | Maus | ratón | souris
remote, remote control | 遥控器 | Fernbedienung | mando, control remoto | télécommande
keyboard | 键盘 | Tastatur | teclado | clavier
cell phone, phone, smartphone, mobile phone | 手机, 电话 | Handy, Telefon | móvil, teléfono, celular | téléphone, portable
microwave | 微波炉 | Mikrowelle | microondas | micro-ondes
oven | 烤箱 | Ofen, Backofen | horno | four
toaster | 烤面包机 | Toaster | tostadora | grille-pain
sink | 水槽, 洗手池 | Spüle, Waschbecken | fregadero, lavabo | évier, lavabo
refrigerator, fridge | 冰箱 | Kühlschrank | nevera, refrigerador | frigo, réfrigérateur
book | 书, 书本 | Buch | libro | livre
paper | 纸 | Papier | papel | papier
clock, alarm clock | 时钟, 钟, 钟表 | Uhr | reloj | horloge
watch, wristwatch | 手表 | Armbanduhr | reloj de pulsera | montre
vase | 花瓶 | Vase | jarrón, florero | vase
scissors | 剪刀 | Schere | tijeras | ciseaux
teddy bear, teddy | 泰迪熊, 玩具熊 | Teddybär, Teddy | oso de peluche | ours en peluche, nounours
hair drier, hair dryer, hairdryer | 吹风机 | Haartrockner, Föhn | secador | sèche-cheveux
toothbrush | 牙刷 | Zahnbürste | cepillo de dientes | brosse à dents
toy | 玩具 | Spielzeug | juguete | jouet
box | 盒子 | Kiste, Karton, Schachtel | caja | boîte
basket | 篮子 | Korb | cesta | panier
lamp | 灯, 台灯 | Lampe | lámpara | lampe
candle | 蜡烛 | Kerze | vela | bougie
mirror glass | 镜子 | Spiegelglas | espejo | miroir
curtain | 窗帘 | Vorhang | cortina | rideau
carpet, rug | 地毯 | Teppich | alfombra | tapis
pillow, cushion | 枕头 | Kissen | almohada, cojín | coussin, oreiller
painting on the wall, picture frame | 画框, 相框 | Bilderrahmen | marco | cadre
camera | 相机, 照相机 | Kamera | cámara | appareil photo
tripod | 三脚架 | Stativ | trípode | trépied
ring | 戒指 | Ring, Fingerring | anillo | bague
necklace | 项链 | Halskette, Kette | collar | collier
balloon | 气球 | Ballon, Luftballon | globo | ballon de baudruche
flower, blossom | 花, 花朵, 鲜花 | Blume, Blüte | flor, flores | fleur
rose | 玫瑰, 玫瑰花 | Rose | rosa | rose
tulip | 郁金香 | Tulpe | tulipán | tulipe
sunflower | 向日葵 | Sonnenblume | girasol | tournesol
petal | 花瓣 | Blütenblatt, Blütenblätter | pétalo | pétale
leaf, leaves, foliage | 叶子, 树叶, 叶 | Blatt, Blätter, Laub | hoja | feuille, feuillage
tree | 树, 大树, 树木 | Baum, Bäume | árbol, árboles | arbre
plant | 植物 | Pflanze | planta | plante
grass, lawn | 草, 草地, 草坪 | Gras, Rasen, Wiese | hierba, césped, pasto | herbe, pelouse, gazon
bush, shrub, hedge | 灌木 | Busch, Strauch | arbusto | buisson, arbuste
forest, woods | 森林, 树林 | Wald | bosque | forêt
mountain, hill | 山, 山脉 | Berg, Berge | montaña | montagne, colline
sea, ocean | 海, 大海, 海洋 | Meer, Ozean | mar, océano | mer, océan
lake | 湖 | See | lago | lac
river | 河, 河流 | Fluss | río | rivière, fleuve
water | 水, 水面 | Wasser | agua | eau
beach, sand | 沙滩, 海滩 | Strand, Sand | playa, arena | plage, sable
rock, stone | 石头, 岩石 | Stein, Felsen | roca, piedra | rocher, pierre
cloud | 云, 云朵, 云彩 | Wolke | nube | nuage
sun | 太阳 | Sonne | sol | soleil
moon | 月亮 | Mond | luna | lune
star | 星星 | Stern | estrella | étoile
rainbow | 彩虹 | Regenbogen | arcoíris | arc-en-ciel
fire, flame | 火, 火焰 | Feuer, Flamme | fuego, llama | feu, flamme
smoke | 烟 | Rauch | humo | fumée
house, home | 房子, 房屋 | Haus, Häuser | casa | maison
building, skyscraper | 建筑, 建筑物, 大楼, 楼房 | Gebäude | edificio | bâtiment, immeuble
tower | 塔 | Turm | torre | tour
temple, pagoda | 寺庙, 庙, 宝塔 | Tempel | templo | temple
church | 教堂 | Kirche | iglesia | église
castle | 城堡 | Schloss, Burg | castillo | château
bridge | 桥 | Brücke | puente | pont
street, road | 街道, 路, 马路 | Straße | calle, carretera | rue, route
ground, floor | 地面, 地板 | Boden | suelo, piso | sol, plancher
wall | 墙, 墙壁 | Wand, Mauer | pared, muro | mur
roof | 屋顶 | Dach | tejado, techo | toit
door | 门 | Tür | puerta | porte
window | 窗户, 窗 | Fenster | ventana | fenêtre
stairs, staircase | 楼梯 | Treppe | escalera | escalier
fence | 栅栏 | Zaun | valla | clôture
pole, lamppost, post | 杆子, 电线杆 | Mast, Laterne | poste, farola | poteau, lampadaire
wire, cable, power line | 电线 | Draht, Kabel | cable | câble, fil
trash, garbage, litter, bin | 垃圾, 垃圾桶 | Müll, Mülleimer | basura | poubelle, déchets
shadow | 阴影, 影子 | Schatten | sombra | ombre
reflection | 倒影, 反光 | Spiegelung | reflejo | reflet
object, thing, item | 物体, 东西, 物品 | Objekt, Ding, Gegenstand | objeto, cosa | objet, chose
handle | 把手, 手柄 | Henkel, Griff | asa | anse, poignée
wheel, tire, tyre | 轮子, 车轮, 轮胎 | Reifen, Räder | rueda | roue, pneu
fur | 皮毛, 毛 | Fell | pelaje | pelage, fourrure
ear | 耳朵 | Ohr, Ohren | oreja | oreille
tail | 尾巴 | Schwanz | cola | queue
left half, left half of the image, left side of the image, left hand side | 左半边, 左半部分, 左半部, 左侧部分, 左边部分 | linke Hälfte, linke Seite, linken Hälfte | mitad izquierda, lado izquierdo | moitié gauche, côté gauche, partie gauche
right half, right half of the image, right side of the image, right hand side | 右半边, 右半部分, 右半部, 右侧部分, 右边部分 | rechte Hälfte, rechte Seite, rechten Hälfte | mitad derecha, lado derecho | moitié droite, côté droit, partie droite
top half, upper half, upper part, top part, top half of the image | 上半部分, 上半部, 上半边, 上面部分, 上部 | obere Hälfte, oberer Teil, oberen Teil, oberen Hälfte | mitad superior, parte superior, parte de arriba | moitié supérieure, partie supérieure, moitié haute, haut de l'image
bottom half, lower half, lower part, bottom part, bottom half of the image | 下半部分, 下半部, 下半边, 下面部分, 下部 | untere Hälfte, unterer Teil, unteren Teil, unteren Hälfte | mitad inferior, parte inferior, parte de abajo | moitié inférieure, partie inférieure, moitié basse, bas de l'image
top third, upper third | 上三分之一 | oberes Drittel | tercio superior | tiers supérieur
bottom third, lower third | 下三分之一 | unteres Drittel | tercio inferior | tiers inférieur
left third | 左三分之一 | linkes Drittel | tercio izquierdo | tiers gauche
right third | 右三分之一 | rechtes Drittel | tercio derecho | tiers droit
""".strip()
)
