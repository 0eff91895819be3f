"""From responses to page records: fetching with Scrapy, taking pages apart with selectolax."""
