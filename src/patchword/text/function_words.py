"""The commonest words of some languages, the commonest first: what sentences have and lists of names have not."""

FUNCTION_WORDS = {
    "bg": "на и в да се за от е с не по са че като до към при или но това този те той",
    "ca": "de la i el que en a les del els un per una es amb no al són és dels com més va",
    "cs": "a v se na je že s z do o k i ve za pro jako by po tak ale jsou od byl není který jeho ze si nebo které dva",
    "da": "og i at det er en til af på for med den der de ikke han som et har var fra jeg vi to hun",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er "
    "hat dass sie nach einem einer einen ich wir zwei wird",
    "el": "και το να του η της με για που την από στο είναι των τον σε τα ο ένα δεν στην μια δύο",
    "en": "the of and to a in is it that was for on with as are his this at by from has have an be their two man "
    "woman not he she there",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha este "
    "son dos",
    "et": "ja on ei et see ta oli ka kui oma ning aga mis või nii nad siis kes ma me kaks",
    "fi": "ja on ei se että hän oli ovat kun myös mutta joka sen tai kuin ole niin mitä kaksi minä",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ils "
    "elle nous vous deux aux",
    "hr": "i je u se na da su za od s kao koji o ne bi ili to po iz što nije ali dva",
    "hu": "a az és hogy nem is egy ez meg van volt de csak mint ha már el vagy azt ki két",
    "id": "yang dan di dari dengan untuk pada dalam tidak ini itu adalah akan ke oleh ada saya mereka dua seorang",
    "it": "di e la il che in a per un è del non le con una i si da della come al sono lo nel ha due dei alla gli",
    "lt": "ir į yra kad su ne iš tai kaip bet jis po ar už buvo apie per du",
    "lv": "un ir ar uz no ka par kas ne tas vai bet pie tika viņš kā lai divi",
    "nb": "og i det er en til av på for med den som de ikke han et har var fra jeg vi to hun seg",
    "nl": "van het een en in is dat op te zijn met voor niet aan er om hij als ook maar die bij door naar uit wordt "
    "twee zich dit deze",
    "pl": "w i na z do się nie to że jest o jak a po od za co przez ale przy dla jego są dwa oraz ich",
    "pt": "de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à são dois seu",
    "ro": "de și în a la cu pe nu un o este care din că se pentru mai au sunt ce al lui doi să",
    "ru": "и в не на что с по как это он к а из у за то от о но для же я они так бы два его",
    "sk": "a v sa na je že s z do o k aj vo za pre ako by po tak ale sú od bol nie ktorý jeho zo si alebo dva",
    "sl": "in je v na se da za so s pa z ki ne po kot tudi bi od ali ni iz sta dva",
    "sv": "och i att det är en som på för av med den till de inte han ett har var från jag vi två sig hon",
    "tr": "ve bir bu için de da ile çok o ne gibi daha olarak var olan kadar iki ben değil adam",
    "uk": "і в не на що з та до як це за у він від а про але для її вони я так їх два його",
    "vi": "của và là có không được cho trong một với người các đã những này để khi hai ông tôi",
}
