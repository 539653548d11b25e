"""What the public crawler lists lack: names, the shapes of a machine's agent, and people whom they take for machines.

All in lower case, matched against the lowered agent. Names are added here only while no list has them; every entry is
one that real agents hold, and none of the browsers that `checks/test_agents.py` reads.
"""

from __future__ import annotations

from typing import Final

from vts.model.view import BotClass

TAGS: Final[dict[str, BotClass]] = {
    "ai-crawler": "ai",
    "search-engine": "search",
    "social-preview": "preview",
    "monitoring": "monitor",
}
"""Classes by the tags of crawler-user-agents, the first that an entry has; every other tag is a tool."""

NO_MACHINES: Final = frozenset(
    (
        *("AP3A\\.240617\\.008", "MetaIAB Facebook", "Viber"),  # a build of Android, and two in-app browsers
        *("Sogou", "Sonic", "Butterfly", "Fever", "Fluid", "speedy"),  # browsers and phones are called so, too
        *("Code\\/1\\.", "Trae\\/", "NING\\/"),  # editors with a browser in them; the end of Thunderbird's "Lightning/"
    )
)
"""Entries of the lists that name what people use, or a word that their agents hold, too."""

PEOPLE: Final = (
    r"android [\d.]+[\w.-]*; (?:u; )?(?:[a-z]{2}[-_][a-z]{2}; )?[^;()]*",  # a model: phones are called Cubot and Spider
    r"(?:build/cubot|htcbutterfly\w*|botech\b|yandexstation\w*|amigavoyager/|sogoum\w+|com\.yandex\.zen|cronet/|fubotv/"
    r"|banca caboto|camscanner|embedded web browser from: http://)",
    r"(?:sonic )?(?:slack|slack_ssb)/[\d.]+",
    r"microsoft (?:outlook|office|lync)(?! (?:existence|protocol))(?: (?:word|excel|powerpoint|onenote|outlook))?/?",
    r"outlook-(?:ios|android|express)/",
    r"^(?:lynx|ncsa_mosaic|vms_mosaic)/.*libwww.*",  # text browsers and the first ones
)
"""What is taken out of an agent that looks like a machine's: phones, and programs in which people look at pages."""

AUTOMATION: Final = (
    *("headless", "phantomjs", "slimerjs", "casperjs", "puppeteer", "playwright", "selenium", "webdriver", "cypress"),
    *("testcafe", "htmlunit", "jsdom"),
)
"""Browsers that a program steers."""

NAMED: Final[dict[BotClass, tuple[str, ...]]] = {
    "search": (
        "naverjapan",
        "muscatferret",
        "vuhuvrbt",
        "internetsearch",
        "searcher",
        "googleweblight",
        "sogou.com/docs",
    ),
    "ai": (
        *("perplexity-user", "mistralai-user", "meta-externalagent", "claude-code", "openai/", "anthropic-claude"),
        *("cohere-command", "character-ai", "novaact", "githubcopilotchat", "cursor/", "udv-ai-research"),
    ),
    "preview": (
        *("bluesky cardyb", "linkexpander", "ramblermail", "imageproxy", "scamadviserexternalhit", "shareaholic"),
        *("discourse/", "invision community", "hackermention", "mail.ukr.net proxy", "google-sites-thumbnails"),
        *("lemmy/", "castopod/", "google-lens"),
    ),
    "monitor": (
        *("applicationhealthservice", "dejaclick", "collectd/", "munin/", "xymon", "hobbit bbtest", "synthetics"),
        *("prometheus/", "grafana/", "k6/", "rocketmonitor", "cloudflare", "sectigo dcv", "sqalix"),
        *("taginspector", "morningscore", "rainmeter", "functionize", "pageburst", "monitor", "syntheticsagent"),
        *("diagnostic", "health-check", "health check", "oh dear"),
    ),
    "tool": (
        *AUTOMATION,
        *("deno/", "bun/", "grpc-", "rest-client/", "request-promise", "winhttp", "openssl/", "burpcollaborator"),
        *("akregator", "amazon-kendra", "apple-pubsub", "arachni", "braze sender", "breaker/v", "clamav", "castro 2"),
        *("googleadsenseinfeed", "google-cloud-", "google-assess", "google-shopping", "google-pinpoint", "google-ilp"),
        *("google-business", "hydra", "ifttt", "jobhunter", "jsjcw", "medusa/", "microsoft-cryptoapi", "azure-logic"),
        *("igetter", "interascoagent", "mediahubmx", "perimeterx", "placid.app", "readkit", "feeddlerrss"),
        *("rss junkie", "rssradio", "sparkler/", "trackable/", "trance/", "webmoney advisor", "webpurify", "xtate"),
        *("wechatdevtools", "zoom marketplace", "algoliarecommend", "emclient/", "leadgen", "hwcdn/"),
        *("lwp network", "firephp", "cf-uc user agent", "nginx-ssl", "research", "survey", "recon", "scan"),
        *("matomo/", "phpmyadmin", "wordup", "kiwitcms", "webmon/", "zeno", "kvshclient", "snoopsec", "baidu-ads"),
        *("domainprobe", "fingerprint", "convertify", "keydrop", "laravel reaver", "assetnote", "cybaaagent"),
        *("meta-externalads", "splash version/", "pwabuilderhttp", "ucsbnetwork", "yunjiankong", "prospecting"),
        *("leadradar", "dummy connection", "geckotrail", "wyzo/", "shadowforce", "rootevidence", "-domains/"),
        *("domainreanimator", "linkchain", "report runner", "simbiat", "worker/", "nameofagent", "wp_is_mobile"),
        *("letrixlabs", "intently.co", "greedyhand", "hlb/1.", "ddg_android/", "ddg-android", "lmao/2"),
        *("security.txt", "sectxt", "jndi:", "placeholder-filter", "redtail", "project_patchwatch", "user agent"),
        *("useragent", "user_agent", "fetcher", "parser", "checker", "validator", "crawl", "spider"),
    ),
}

SHAPES: Final[dict[BotClass, tuple[str, ...]]] = {
    "tool": (
        # An address to complain to: no browser has one, but for a control that embeds Internet Explorer.
        r"https?://",
        r"www\.[a-z]",
        r"@[a-z][\w-]*\.[a-z]",
        # "(compatible; Name/1.0" is how machines claim to be like a browser; old browsers of people had it, too.
        r"^mozilla/[\d.]+ \(compatible; (?!msie|konqueror|netpositive|ibrowse|icab|omniweb|abrowse|ncbrowser|gecko|u;)"
        r"[a-z][\w.-]*/v?\d",
        r"gecko; compatible; ",
        # Not an agent at all.
        r"^(?:\d+$|[<({$'\"|])",
        r"time/1\d{9}",  # a clock in it
        r"^(?:mozilla/\d\.\d (?:\(compatible\)|[a-z_]+)|anonymous, .*)$",
        r"^(?:chrome|firefox|safari|iphone|ipad|android|windows|node(?:\.js)?|url|hello,? world|google|itms)$",
        r"^(?:spotify/1\.0|test)$",
    ),
}
"""Patterns over the whole agent, by the class that they stand for."""
