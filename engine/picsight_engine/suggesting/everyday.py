"""Words for what people photograph, the commonest first: of all that a half-typed word may become, these come before others."""

from __future__ import annotations

# No function words, no names. Of two that begin alike the earlier one is offered first.
_WORDS = """
people person man woman child children boy girl baby family friends couple dog cat beach sunset sea water mountain
mountains snow tree trees forest flower flowers garden car house city street food birthday wedding christmas party
group selfie portrait face smile smiling laughing kids grandmother grandfather mother father parents brother sister
son daughter toddler puppy kitten puppies horse bird birds cow sheep animal animals fish bicycle bike bus train boat ship
airplane plane motorcycle truck bridge river lake ocean island waves sand sky clouds cloud sun moon stars night
sunrise rain rainbow storm fog lightning ice winter summer autumn spring building buildings church castle tower
skyline road path park playground market shop restaurant cafe kitchen bedroom bathroom office school classroom
museum hotel airport station stadium concert stage festival fireworks parade dance dancing music guitar piano band
camping tent fire campfire hiking climbing skiing snowboard swimming pool surfing sailing fishing running football
soccer basketball tennis volleyball baseball golf hockey cycling skateboard yoga gym ball game toy toys balloon
balloons cake candles pizza pasta salad soup bread cheese meat sandwich burger fries sushi rice noodles egg eggs
breakfast lunch dinner dessert chocolate cookie cookies fruit apple apples banana orange strawberry grapes lemon
tomato vegetables coffee tea beer wine cocktail drink glass cup bottle plate table chair sofa couch bed desk lamp
window door stairs balcony roof wall fence floor mirror clock book books computer laptop phone camera television
screen keyboard document receipt letter text sign map menu passport ticket whiteboard screenshot painting drawing
statue sculpture graffiti poster photo picture dress suit hat glasses sunglasses shoes boots jacket coat shirt
jeans scarf uniform costume mask umbrella bag backpack suitcase ring necklace tattoo beard hair hands hand eyes
women men boys dogs cats lady teenager newborn elderly santa shorts skirt sweater jersey hoodie gloves socks sneakers
swimsuit bikini goggles scooter pavement gate lawn heart shape countryside puddle mud
red blue green yellow white black pink purple brown grey golden silver colourful colorful dark bright night
happy sad old young big small little tall long short empty crowded beautiful cute funny dirty wet
standing sitting walking jumping sleeping eating drinking cooking reading playing driving riding working hugging
kissing waving swinging crying singing lying looking holding carrying swim swings smoke
elephant lion tiger bear giraffe zebra monkey gorilla panda koala kangaroo camel deer moose fox wolf rabbit
retriever labrador poodle terrier greyhound squirrel hedgehog mouse rat hamster goat pig piglet donkey pony foal calf lamb chicken hen rooster duck ducklings
goose swan seagull gull pigeon eagle hawk owl parrot peacock penguin flamingo stork heron pelican dolphin whale
shark seal otter turtle tortoise frog lizard snake crocodile spider butterfly bee ladybug dragonfly insect snail
jellyfish octopus crab starfish coral squid bison buffalo leopard cheetah jaguar rhinoceros hippopotamus antelope
llama alpaca reindeer badger beaver raccoon bat ant beetle caterpillar goldfish aquarium zoo farm barn stable
field meadow hill hills valley canyon cliff cliffs cave desert dunes volcano glacier iceberg waterfall stream pond
swamp jungle rainforest coast shore harbour harbor port pier lighthouse dock lagoon reef bay rock rocks stone
stones leaf leaves grass bush moss mushroom mushrooms cactus palm pine oak bamboo rose roses tulip tulips sunflower
sunflowers daisy lavender orchid blossom blossoms bouquet vase plant plants wheat corn vineyard orchard pumpkin
pumpkins harvest hay tractor windmill greenhouse shed cabin cottage hut chalet tent igloo palace temple mosque
cathedral chapel monastery pagoda ruins pyramid fortress monument fountain square plaza alley village town
skyscraper skyscrapers apartment mansion factory warehouse garage basement attic corridor hallway staircase
elevator escalator tunnel subway metro tram railway tracks platform highway crossroads roundabout parking
traffic crossing sidewalk bench swing slide sandbox trampoline carousel ferris rollercoaster circus theatre
theater cinema library bookshelf hospital doctor nurse dentist pharmacy police policeman firefighter soldier
cowboy chef waiter farmer teacher student students graduation baptism christening funeral anniversary easter
halloween thanksgiving carnival bride groom bridesmaid rings veil bouquet speech toast dancer singer musician
drummer violin trumpet drums saxophone flute accordion choir orchestra audience crowd demonstration protest
marathon runner cyclist swimmer surfer skier snowboarder skater climber hiker diver gymnast athlete team trophy
medal referee goal racket helmet skis sled sledge snowman snowball skates frisbee kite canoe kayak raft sailboat
yacht ferry cruise rowboat paddle surfboard wetsuit snorkel diving helicopter jet glider parachute rocket
spaceship satellite balloon drone scooter moped van caravan camper taxi ambulance jeep convertible limousine
wheel engine tyre tire petrol bulldozer crane excavator construction scaffolding bricks wood wooden metal glass
paper plastic leather fabric lace knitting sewing yarn blanket pillow curtain carpet rug cushion shelf cupboard
wardrobe drawer fridge refrigerator oven stove microwave toaster kettle teapot dishwasher sink bathtub shower
toilet towel toothbrush soap bucket broom ladder hammer saw drill screwdriver tools workshop toolbox nails rope
chain lock key keys coins money wallet purse basket box boxes barrel jar bowl spoon fork knife chopsticks pan pot
grill barbecue picnic buffet cutlery tablecloth napkin candle candlelight lantern lights lamp chandelier torch
fireplace ornaments wreath stockings presents gifts gift ribbon wrapping confetti streamers masks clown puppet
doll teddy dinosaur robot lego puzzle chess cards dice blocks marbles crayons pencil pencils paint brush easel
sketch collage pattern texture abstract macro closeup silhouette shadow shadows reflection reflections panorama
aerial underwater blurry blurred vintage sepia monochrome neon stripes dots
vacation holiday trip travel journey luggage tourist tourists sightseeing landscape seascape cityscape nature
wildlife safari scenery weather cloudy sunny rainy snowy foggy misty windy stormy dusk dawn twilight evening
morning daylight moonlight starry galaxy eclipse comet aurora constellation telescope microscope
bathing sunbathing splashing snorkeling rowing paddling rafting skating sledding horseback juggling painting
gardening baking barbecuing shopping studying writing typing photographing celebrating clapping cheering pointing
thinking yawning whispering kneeling crouching climbing crawling falling flying floating leaping racing
wrestling boxing karate judo fencing archery bowling billiards darts
cheesecake pancakes waffles croissant bagel muffin cupcake cupcakes doughnut donut pie pudding icecream sweets
candy lollipop popcorn chips nuts honey jam butter yogurt milk juice water lemonade smoothie whisky champagne
steak ham bacon sausage sausages meatballs turkey salmon shrimp lobster oysters mussels seafood curry tacos
burrito kebab dumplings ramen paella risotto lasagna spaghetti omelette potatoes carrots onions peppers broccoli
cauliflower cucumber lettuce spinach beans peas garlic herbs spices avocado pineapple watermelon melon mango
peach pear plum cherries blueberries raspberries blackberries kiwi coconut figs olives
"""

EVERYDAY = tuple(dict.fromkeys(_WORDS.split()))
