"""Scrapy settings: only what differs from Scrapy 2.19's defaults, each with its reason.

What depends on the plan of a crawl (delay, user agent, sizes) is set from it by the spider.
"""

BOT_NAME = "linkledger"
SPIDER_MODULES = ["crawler.spiders"]

# -- what may be fetched, and with what --------------------------------------------------------
# A list of pages comes from outside: without handlers, file: and data: seeds read nothing local,
# and no FTP or S3 credentials can be sent. Ours is Scrapy's with bounds on headers and time.
DOWNLOAD_HANDLERS = {
    "http": "crawler.handler.PageHandler",
    "https": "crawler.handler.PageHandler",
    "file": None,
    "data": None,
    "ftp": None,
    "s3": None,
}
# Both open a port through which code can be run; the second is on by default since 2.19.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
# No page needs a session to be read once, and what one site sets must not reach another.
COOKIES_ENABLED = False
# A list of prospects is not told to the prospects.
REFERER_ENABLED = False
# Reach before integrity: many small sites have expired certificates. --verify-tls turns it on.
DOWNLOAD_VERIFY_CERTIFICATES = False

# -- bounds -----------------------------------------------------------------------------------
# A true limit on one attempt, slow drips included. The default of 180 s with two retries would
# hold an operator's slot for nine minutes.
DOWNLOAD_TIMEOUT = 30
# Body sizes are bounded by crawler.limits, which keeps what was read and marks it partial;
# Scrapy's own limit would throw it away, and refuse a page for the length it announces.
DOWNLOAD_MAXSIZE = 0
DOWNLOAD_WARNSIZE = 0
# That a rest was lost stays an error (DOWNLOAD_FAIL_ON_DATALOSS): crawler.handler sees to it, so that
# it can keep what it cut off itself.
# Bytes of answers that may wait to be read, as they came; with more, nothing new is asked. By the default of 5 MB one
# document of 10 MiB that is being taken apart in the child (crawler.taking_apart) would stop the crawl.
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 32 * 1024 * 1024
# The last resort against memory; ends the crawl cleanly.
MEMUSAGE_LIMIT_MB = 2048
# Name look-ups run in threads and are slow for dead names; 10 threads would be the bottleneck of
# a list of many domains.
REACTOR_THREADPOOL_MAXSIZE = 32
DNS_TIMEOUT = 20
# Hands out no address that is not public, or was opened; crawler.guard holds the connection itself.
TWISTED_DNS_RESOLVER = "crawler.resolver.GuardedResolver"

# -- politeness (crawler.politeness) ------------------------------------------------------------
# Operators asked at the same time, one request each. Requests that wait for their delay count.
CONCURRENT_REQUESTS = 128
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0
# The delay is a promise, so it is never shorter than said.
DOWNLOAD_DELAY_JITTER = 0
# -- the layers a request passes ----------------------------------------------------------------
# Each layer costs some 4 % of a fetch. Off: what has no work here (offsite, HTTP auth, HTTP
# cache, cookies, meta refresh: a page's own content), what the spider sets itself (user agent,
# timeout, default headers), and what is replaced by a layer that records why:
# robots.txt, redirects, unpacking.
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.downloadtimeout.DownloadTimeoutMiddleware": None,
    "scrapy.downloadermiddlewares.defaultheaders.DefaultHeadersMiddleware": None,
    "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,
    "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": None,
    "crawler.robots.RobotsMiddleware": 100,
    "crawler.redirects.RedirectMiddleware": 600,
    # Next to the download, before the retries at 550: a refused address stays refused.
    "crawler.guard_layers.RefusalMiddleware": 610,
}
METAREFRESH_ENABLED = False
# Proxies of the environment are not used unasked: the guard cannot see behind them. With --proxy,
# crawler.guard_layers.ProxyMiddleware is added.
HTTPPROXY_ENABLED = False
# Every status is an outcome, so none is filtered; depth and length are the frontier's; there is
# no referer, and no request is made from another's meta.
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.start.StartSpiderMiddleware": None,
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
    "scrapy.spidermiddlewares.referer.RefererMiddleware": None,
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
    "crawler.outcomes.ParseErrorMiddleware": 100,
}
EXTENSIONS = {
    "scrapy.extensions.feedexport.FeedExporter": None,  # results go to the ledger
    "scrapy.extensions.spiderstate.SpiderState": None,  # there is no job folder
    "scrapy.extensions.logstats.LogStats": None,  # crawler.progress says more
    "crawler.limits.BodyLimit": 0,
    "crawler.politeness.Politeness": 0,  # slow servers, Retry-After, Crawl-delay; in place of AutoThrottle
}
ITEM_PIPELINES = {"crawler.pipeline.LedgerPipeline": 300}
# Scrapy starts this many tasks for the output of every callback, 100 by default; ours yield one
# item each (1,000 pages: 7.8 against 5.4 seconds of CPU).
CONCURRENT_ITEMS = 1

# The store is the only queue: what is pending there is still to be fetched, so nothing is
# remembered in a job folder and nothing is filtered by what was seen in memory.
JOBDIR = None
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"

# -- retries --------------------------------------------------------------------------------
# RETRY_TIMES = 2, the statuses (500, 502, 503, 504, 522, 524, 408, 429) and the exceptions are Scrapy's:
# what fails on the connection. What our layers decide (crawler.outcomes.Decided) is none of them: headers
# that are too large, a URL whose time is over. Giving up is an outcome, no error.
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"

# -- logging --------------------------------------------------------------------------------
# DEBUG would log every URL with what it holds.
LOG_LEVEL = "INFO"
# Escapes control characters of pages, and builds no text for lines that are not shown.
LOG_FORMATTER = "crawler.logs.QuietLogFormatter"
STATS_DUMP = False
