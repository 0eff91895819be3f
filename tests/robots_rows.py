"""What robots.txt files allow, one row a fact: the rules, who asks, for what, and whether it may.

The facts are those of RFC 9309, of Google's published specification and published parser, and of what Yandex and
Bing publish where they agree with the RFC; the texts are our own. ``OWN`` marks what none of them says, or where
they differ and the choice is ours: docs/crawling.md names those.
"""

from __future__ import annotations

from typing import NamedTuple


def _rfc(section: str) -> str:
    return f"RFC 9309 section {section}"


def _google(part: str) -> str:
    return f"https://developers.google.com/search/docs/crawling-indexing/robots/robots_txt ({part})"


PARSER = "https://github.com/google/robotstxt (robots.cc)"
YANDEX = "https://yandex.com/support/webmaster/en/robot-workings/allow-disallow"
YANDEX_AGENT = "https://yandex.com/support/webmaster/en/robot-workings/user-agent"
BING = "https://blogs.bing.com/webmaster/2012/05/03/to-crawl-or-not-to-crawl-that-is-bingbots-question"
OWN = "docs/crawling.md, robots.txt"

ME = "linkledger"


class File(NamedTuple):
    """One robots.txt, where its facts come from, and its rows: (id, agent, path or URL, allowed)."""

    source: str
    robots: str | bytes
    rows: tuple[tuple[str, str, str, bool], ...]


EVERYONE = "User-agent: *\n"

_EXAMPLE = """\
User-Agent: *
Disallow: *.pdf$
Disallow: /drafts/
Allow: /papers/

User-Agent: onebot
Disallow:/
Allow:/drafts/open.html
Allow:/drafts/chart.pdf

User-Agent: twobot
User-Agent: threebot
Disallow: /drafts/open.html

User-Agent: fourbot
"""

_FISH = (
    ("itself", "/fish", True),
    ("suffix", "/fish.html", True),
    ("below", "/fish/salmon.html", True),
    ("longer_word", "/fishheads", True),
    ("longer_word_below", "/fishheads/yummy.html", True),
    ("query", "/fish.php?id=anything", True),
    ("other_case", "/Fish.asp", False),
    ("inside", "/catfish", False),
    ("in_the_query", "/?id=fish", False),
)


def _matching(name: str, pattern: str, *rows: tuple[str, str, bool]) -> File:
    """One Disallow line; each row says whether it matches."""
    return File(
        _google("URL matching based on path values"),
        f"{EVERYONE}Disallow: {pattern}",
        tuple((f"{name}_{row}", ME, path, not match) for row, path, match in rows),
    )


FILES = [
    # -- the examples of the RFC -----------------------------------------------------------------
    File(_rfc("5.1"), _EXAMPLE, (
        ("example_everyone_may", ME, "/about.html", True),
        ("example_everyone_folder", ME, "/drafts/open.html", False),
        ("example_everyone_suffix", ME, "/papers/a.pdf", True),
        ("example_everyone_suffix_elsewhere", ME, "/a/b.pdf", False),
        ("example_everyone_suffix_is_the_end", ME, "/a/b.pdf?x", True),
        ("example_everyone_allowed_folder", ME, "/papers/a.html", True),
        ("example_one_nothing", "onebot", "/about.html", False),
        ("example_one_page", "onebot", "/drafts/open.html", True),
        ("example_one_file", "onebot", "/drafts/chart.pdf", True),
        ("example_one_other_file", "onebot", "/drafts/other.pdf", False),
        ("example_two", "twobot", "/drafts/open.html", False),
        ("example_two_rest", "twobot", "/drafts/other.pdf", True),
        ("example_three", "threebot", "/drafts/open.html", False),
        ("example_three_rest", "threebot", "/", True),
        ("example_four_empty_group", "fourbot", "/drafts/open.html", True),
    )),
    File(_rfc("5.2"), "User-Agent: foobot\nAllow: /shop/item/\nDisallow: /shop/item/hidden.gif", (
        ("longest_of_two_disallows", "foobot", "/shop/item/hidden.gif", False),
        ("longest_of_two_allows", "foobot", "/shop/item/shown.gif", True),
        ("no_group_no_rules", ME, "/shop/item/hidden.gif", True),
    )),
    # -- which group -------------------------------------------------------------------------------
    File(_rfc("2.2.1"), "User-agent: ExampleBot\nDisallow: /a\nDisallow: /b\n\nUser-agent: ExampleBot\nDisallow: /c", (
        ("merged_first_group", "ExampleBot", "/a", False),
        ("merged_second_group", "ExampleBot", "/c", False),
        ("merged_rest", "ExampleBot", "/d", True),
    )),
    File(_rfc("2.2.1"), "User-agent: *\nDisallow: /a\n\nUser-agent: BazBot\nDisallow: /b", (
        ("general_group_where_none_is_ours", "ExampleBot", "/a", False),
        ("others_groups_are_not_ours", "ExampleBot", "/b", True),
        ("own_group_alone", "BazBot", "/b", False),
        ("own_group_leaves_the_general_one", "BazBot", "/a", True),
    )),
    File(_rfc("2.2.1"), "User-agent: LINKLEDGER\nDisallow: /", (
        ("agent_in_any_case", ME, "/a", False),
        ("agent_in_any_case_ours", "LinkLedger", "/a", False),
    )),
    File(_rfc("2.2.1"), "User-agent: otherbot\nDisallow: /", (
        ("no_group_of_ours_and_no_general_one", ME, "/a", True),
    )),
    File(_rfc("2.2.1"), "", (("empty_file", ME, "/a", True),)),
    File(_rfc("2.2.1"), "User-agent: link\nDisallow: /", (
        ("beginning_of_our_name", ME, "/a", True),
        ("the_whole_name", "link", "/a", False),
        ("beginning_of_a_name_with_a_hyphen", "link-ledger", "/a", True),
    )),
    File(_rfc("2.2.1"), "User-agent: linkledger-news\nDisallow: /", (
        ("our_name_is_its_beginning", ME, "/a", True),
        ("name_with_a_hyphen", "linkledger-news", "/a", False),
    )),
    File(_rfc("2.2.1"), "User-agent: ledger\nDisallow: /", (("end_of_our_name", ME, "/a", True),)),
    File(_rfc("2.2.1"), "User-agent: link_bot\nDisallow: /", (
        ("name_with_an_underscore", "link_bot", "/a", False),
        ("underscore_is_no_hyphen", "link-bot", "/a", True),
    )),
    File(PARSER, "User-agent: linkledger/2.0\nDisallow: /", (("version_after_the_name", ME, "/a", False),)),
    File(PARSER, "User-agent: LinkLedger Images\nDisallow: /", (("word_after_the_name", ME, "/a", False),)),
    File(PARSER, "User-agent: linkledger2\nDisallow: /", (("digit_after_the_name", ME, "/a", False),)),
    File(PARSER, "User-agent: linkledger, otherbot\nDisallow: /", (
        ("comma_after_the_name", ME, "/a", False),
        ("only_the_first_name_of_a_line", "otherbot", "/a", True),
    )),
    File(PARSER, "User-agent: Mozilla/5.0 (compatible; linkledger/1.0)\nDisallow: /", (
        ("a_whole_header_is_named_by_its_first_word", ME, "/a", True),
        ("a_whole_header_is_the_first_words_group", "Mozilla", "/a", False),
    )),
    File(PARSER, 'User-agent: "linkledger"\nDisallow: /', (("quoted_name_is_no_name", ME, "/a", True),)),
    File(PARSER, "User-agent: * everyone\nDisallow: /", (("star_and_a_word", ME, "/a", False),)),
    File(PARSER, "User-agent: *bot\nDisallow: /", (("star_in_a_name_is_no_wildcard", "linkbot", "/a", True),)),
    File(PARSER, "User-agent:\nDisallow: /", (("agent_line_without_a_name", ME, "/a", True),)),
    File(_rfc("2.1"), "User-agent: *\nDisallow: /a\nUser-agent: *\nDisallow: /b", (
        ("general_groups_are_one_first", ME, "/a", False),
        ("general_groups_are_one_second", ME, "/b", False),
    )),
    File(_rfc("2.2.1"), "User-agent: *\nDisallow: /\n\nUser-agent: linkledger\nDisallow: /x", (
        ("general_group_first_does_not_hold", ME, "/a", True),
        ("general_group_first_ours_does", ME, "/x", False),
    )),
    File(_rfc("2.2.1"), "User-agent: linkledger\nDisallow: /x\n\nUser-agent: *\nDisallow: /", (
        ("general_group_last_does_not_hold", ME, "/a", True),
    )),
    File(_rfc("2.2.1"), "User-agent: *\nUser-agent: linkledger\nDisallow: /x", (
        ("general_and_ours_in_one_group", ME, "/x", False),
        ("general_and_ours_in_one_group_others", "otherbot", "/x", False),
    )),
    File(_rfc("2.2.1"), "User-agent: linkledger\n\nUser-agent: *\nDisallow: /x", (
        ("agent_lines_follow_each_other_over_an_empty_line", ME, "/x", False),
    )),
    File(_rfc("2.2.1"), "User-agent: *\nDisallow: /\nUser-agent: linkledger\nDisallow:", (
        ("own_group_with_an_empty_rule", ME, "/a", True),
        ("others_keep_the_general_group", "otherbot", "/a", False),
    )),
    File(_google("Grouping of lines and rules"), "User-agent: a\nDisallow: /c\n\nUser-agent: b\nDisallow: /d\n\n"
         "User-agent: e\nUser-agent: f\nDisallow: /g\n\nUser-agent: h", (
        ("four_groups_a", "a", "/c", False),
        ("four_groups_a_not_b", "a", "/d", True),
        ("four_groups_b", "b", "/d", False),
        ("four_groups_e", "e", "/g", False),
        ("four_groups_f", "f", "/g", False),
        ("four_groups_h", "h", "/g", True),
    )),
    File(_google("Grouping of lines and rules"), "User-agent: a\nSitemap: https://example.com/s.xml\n\n"
         "User-agent: b\nDisallow: /", (
        ("sitemap_between_agents_a", "a", "/x", False),
        ("sitemap_between_agents_b", "b", "/x", False),
    )),
    File(_google("Order of precedence for user agents"), "User-agent: news\nDisallow: /fish\n\nUser-agent: *\n"
         "Disallow: /carrots\n\nUser-agent: news\nDisallow: /shrimp", (
        ("groups_of_one_agent_first", "news", "/fish", False),
        ("groups_of_one_agent_second", "news", "/shrimp", False),
        ("groups_of_one_agent_not_general", "news", "/carrots", True),
        ("groups_of_one_agent_others", ME, "/fish", True),
        ("groups_of_one_agent_others_general", ME, "/carrots", False),
    )),
    File(BING, "User-agent: *\nDisallow: /private\n\nUser-agent: bingbot\nDisallow: /tmp", (
        ("a_section_of_its_own_replaces_the_general_one", "bingbot", "/private", True),
        ("a_section_of_its_own_holds", "bingbot", "/tmp", False),
    )),
    File(YANDEX_AGENT, "User-agent: Yandex\nDisallow: /*sid=\n\nUser-agent: *\nDisallow: /cgi-bin", (
        ("yandex_own_section", "Yandex", "/a?sid=1", False),
        ("yandex_general_section_is_ignored", "Yandex", "/cgi-bin", True),
    )),
    # -- where groups begin and end ------------------------------------------------------------------
    File(_rfc("2.2.2"), "Disallow: /a\nUser-agent: *\nDisallow: /b", (
        ("rule_before_any_agent", ME, "/a", True),
        ("rule_after_it", ME, "/b", False),
    )),
    File(_rfc("2.2.2"), "Disallow: /", (("rules_without_any_agent", ME, "/a", True),)),
    File(_rfc("2.1"), "User-agent: linkledger\n\n\nDisallow: /a\n\nDisallow: /b", (
        ("empty_lines_before_rules", ME, "/a", False),
        ("empty_lines_between_rules", ME, "/b", False),
    )),
    File(_rfc("2.2.4"), "User-agent: linkledger\nSitemap: https://example.com/s.xml\nDisallow: /a", (
        ("sitemap_does_not_end_a_group", ME, "/a", False),
    )),
    File(_rfc("2.2.4"), "User-agent: linkledger\nDisallow: /a\nSitemap: https://example.com/s.xml\nDisallow: /b", (
        ("sitemap_between_rules", ME, "/b", False),
    )),
    File(_rfc("2.2.4"), "User-agent: linkledger\nCrawl-delay: 5\nDisallow: /a", (
        ("crawl_delay_does_not_end_a_group", ME, "/a", False),
    )),
    File(_rfc("2.2.4"), "User-agent: linkledger\nCrawl-delay: 5\nUser-agent: otherbot\nDisallow: /a", (
        ("crawl_delay_between_agents", ME, "/a", False),
        ("crawl_delay_between_agents_other", "otherbot", "/a", False),
    )),
    File(_rfc("2.2.4"), "User-agent: linkledger\nHost: example.com\nClean-param: s /\nunicorn: /x\nDisallow: /a", (
        ("unknown_lines_within_a_group", ME, "/a", False),
        ("unknown_lines_forbid_nothing", ME, "/x", True),
    )),
    File(PARSER, "User-agent: *\nNoindex: /a\nNoarchive: /a\nNofollow: /a", (
        ("noindex_forbids_nothing", ME, "/a", True),
    )),
    File(_rfc("2.2.1"), "User-agent: a\nDisallow: /x\nUser-agent: linkledger\nAllow: /", (
        ("agent_line_after_a_rule_begins_a_group", ME, "/x", True),
        ("agent_line_after_a_rule_other", "a", "/x", False),
    )),
    File(_rfc("2.2.1"), "User-agent: a\nDisallow:\nUser-agent: linkledger\nDisallow: /x", (
        ("empty_rule_is_a_rule_too", "a", "/x", True),
        ("group_after_an_empty_rule", ME, "/x", False),
    )),
    # -- lines -----------------------------------------------------------------------------------------
    File(_rfc("2.2"), "USER-AGENT: linkledger\nDISALLOW: /a\nALLOW: /a/b", (
        ("keys_in_capitals", ME, "/a", False),
        ("keys_in_capitals_allow", ME, "/a/b", True),
    )),
    File(_rfc("2.2"), "uSer-aGent: linkledger\ndiSalLow: /a", (("keys_in_mixed_case", ME, "/a", False),)),
    File(_rfc("2.2"), "User-agent:linkledger\nDisallow:/a", (("no_space_after_the_colon", ME, "/a", False),)),
    File(_rfc("2.2"), " \tUser-agent \t: \t linkledger \t\n\t Disallow\t:\t/a \t", (
        ("spaces_and_tabs_everywhere", ME, "/a", False),
    )),
    File(_rfc("2.2"), "User-agent: linkledger\r\nDisallow: /a\r\n", (("crlf", ME, "/a", False),)),
    File(_rfc("2.2"), "User-agent: linkledger\rDisallow: /a\r", (("cr", ME, "/a", False),)),
    File(_rfc("2.2"), "User-agent: *\n\rDisallow: /a\r\r\nDisallow: /b\n", (
        ("mixed_line_ends", ME, "/a", False),
        ("mixed_line_ends_last", ME, "/b", False),
    )),
    File(_rfc("2.2"), "User-agent: linkledger\nDisallow: /a", (("no_line_end_at_the_end", ME, "/a", False),)),
    File(_rfc("2.2.3"), "# Disallow: /x\nUser-agent: linkledger # us\n#\nDisallow: /a # not this\nDisallow: /b#c", (
        ("comment_line", ME, "/x", True),
        ("comment_after_a_name", ME, "/a", False),
        ("comment_after_a_space", ME, "/a%20", False),
        ("comment_right_after_a_path", ME, "/b", False),
    )),
    File(_rfc("2.2.3"), "User-agent: linkledger\nDisallow: # /a", (("comment_instead_of_a_path", ME, "/a", True),)),
    File(_google("Syntax"), b"\xef\xbb\xbfUser-agent: linkledger\nDisallow: /a", (
        ("byte_order_mark", ME, "/a", False),
    )),
    File(PARSER, b"\xef\xbb\xbf\xef\xbb\xbfUser-agent: linkledger\nDisallow: /a", (
        ("two_byte_order_marks", ME, "/a", True),
    )),
    File(PARSER, "User-agent: linkledger\nDisallow /a", (("missing_colon", ME, "/a", False),)),
    File(PARSER, "User-agent linkledger\nDisallow: /a", (("missing_colon_of_an_agent", ME, "/a", False),)),
    File(PARSER, "User-agent: linkledger\nDisallow /a /b", (("missing_colon_and_three_words", ME, "/a", True),)),
    File(PARSER, "User-agent: linkledger\nDisallow\n/a", (("key_alone", ME, "/a", True),)),
    File(PARSER, "User-agent: linkledger\n: /a\n/a\nDisallow: /b", (
        ("value_without_a_key", ME, "/a", True),
        ("lines_after_nonsense", ME, "/b", False),
    )),
    File(PARSER, "useragent: linkledger\nDisallow: /a", (("typo_useragent", ME, "/a", False),)),
    File(PARSER, "user agent: linkledger\nDisallow: /a", (("typo_user_agent", ME, "/a", False),)),
    *(
        File(PARSER, f"User-agent: linkledger\n{typo}: /a", ((f"typo_{typo.lower()}", ME, "/a", False),))
        for typo in ("Dissallow", "Dissalow", "Disalow", "Diasllow", "Disallaw", "Disallowed")
    ),
    File(PARSER, "User-agent: linkledger\nBlock: /a\nDeny: /a\nDis-allow: /a", (
        ("words_that_are_no_keys", ME, "/a", True),
    )),
    File(PARSER, b"User-agent: linkledger\nDisallow: /a\0b\nDisallow: /c\0", (
        ("nul_ends_a_line", ME, "/ab", False),
        ("nul_at_the_end_of_a_line", ME, "/c", False),
    )),
    File(_rfc("2.2"), "User-agent: linkledger\n" + " " * 20_000 + "Disallow: /a", (
        ("white_space_of_any_length", ME, "/a", False),
    )),
    File(_rfc("2.3.1.5"), "User-agent: linkledger\n# " + "x" * 100_000 + "\nDisallow: /a", (
        ("line_after_a_long_comment", ME, "/a", False),
    )),
    File(_rfc("2.2.2"), "User-agent: linkledger\nDisallow: /a" + "b" * 20_000, (
        ("pattern_longer_than_any_path", ME, "/abbb", True),
    )),
    File(_rfc("2.3.1.5"), b"\xff\xfa\x01garbage\nUser-agent: linkledger\n\x80\x81: /x\nDisallow: /a\n\xe2\x82", (
        ("parseable_lines_among_garbage", ME, "/a", False),
    )),
    File(_rfc("2.3.1.5"), "<!doctype html><title>Not found</title>\n<p>Disallow: / is what we would say</p>", (
        ("html_says_nothing", ME, "/a", True),
    )),
    File(_google("Syntax"), "<html>\nUser-agent: linkledger\nDisallow: /a\n</html>", (
        ("rules_within_html_hold", ME, "/a", False),
    )),
    # -- which rule ----------------------------------------------------------------------------------
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /a\nAllow: /a/b", (
        ("longest_wins_allow_last", ME, "/a/b", True),
        ("shorter_holds_elsewhere", ME, "/a/c", False),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nAllow: /a/b\nDisallow: /a", (
        ("longest_wins_allow_first", ME, "/a/b/c", True),
        ("shorter_holds_elsewhere_first", ME, "/a/c", False),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nAllow: /\nDisallow: /a", (("everything_but", ME, "/a", False),)),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /page\nAllow: /page", (("equal_rules_allow", ME, "/page", True),)),
    File(_rfc("2.2.2"), "User-agent: *\nAllow: /page\nDisallow: /page", (
        ("equal_rules_allow_in_any_order", ME, "/page", True),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /a*\nAllow: /ab", (("equal_length_allows", ME, "/abc", True),)),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /p/longer\n\nUser-agent: *\nAllow: /p", (
        ("longest_over_merged_groups", ME, "/p/longer", False),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nAllow: /cat\nDisallow: /ä", (
        ("length_is_counted_in_octets", ME, "/%C3%A4", False),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nAllow: /ä\nDisallow: /%C3*", (
        ("an_octet_outside_ascii_counts_as_its_escape", ME, "/%C3%A4", True),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow:", (("empty_disallow", ME, "/a", True),)),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow:\nDisallow: /a", (
        ("empty_disallow_beside_a_rule", ME, "/a", False),
        ("empty_disallow_beside_a_rule_elsewhere", ME, "/b", True),
    )),
    File(YANDEX, "User-agent: *\nAllow:\nDisallow: /", (("empty_allow_is_ignored", ME, "/a", False),)),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /", (
        ("robots_txt_itself", ME, "/robots.txt", True),
        ("robots_txt_with_a_query", ME, "/robots.txt?x", False),
        ("robots_txt_in_a_folder", ME, "/a/robots.txt", False),
        ("home_page", ME, "https://www.example.com", False),
        ("home_page_with_a_query", ME, "https://www.example.com?x=1", False),
    )),
    File(_rfc("2.2.2"), "User-agent: *\nDisallow: /Fish", (
        ("paths_are_case_sensitive", ME, "/fish", True),
        ("paths_are_case_sensitive_same", ME, "/Fish", False),
    )),
    File(_google("Order of precedence for rules"), f"{EVERYONE}Allow: /p\nDisallow: /", (
        ("precedence_longer_allow", ME, "/page", True),
        ("precedence_shorter_disallow", ME, "/other", False),
    )),
    File(_google("Order of precedence for rules"), f"{EVERYONE}Allow: /folder\nDisallow: /folder", (
        ("precedence_least_restrictive", ME, "/folder/page", True),
    )),
    File(_google("Order of precedence for rules"), f"{EVERYONE}Allow: /page\nDisallow: /*.htm", (
        ("precedence_longer_disallow", ME, "/page.htm", False),
    )),
    File(_google("Order of precedence for rules"), f"{EVERYONE}Allow: /page\nDisallow: /*.ph", (
        ("precedence_equal_length_with_a_star", ME, "/page.php5", True),
    )),
    File(_google("Order of precedence for rules"), f"{EVERYONE}Allow: /$\nDisallow: /", (
        ("precedence_home_page", ME, "/", True),
        ("precedence_not_the_home_page", ME, "/page.htm", False),
    )),
    File(YANDEX, "User-agent: *\nAllow: /\nAllow: /catalog/auto\nDisallow: /catalog", (
        ("sorted_by_length_forbidden", ME, "/catalog/boats", False),
        ("sorted_by_length_allowed", ME, "/catalog/auto/1", True),
        ("sorted_by_length_rest", ME, "/news", True),
    )),
    File(YANDEX, "User-agent: *\nAllow: /cgi-bin\nDisallow: /", (
        ("everything_forbidden_but", ME, "/cgi-bin/x", True),
        ("everything_forbidden", ME, "/x", False),
    )),
    # -- what a pattern matches -------------------------------------------------------------------------
    _matching("root", "/", ("root", "/", True), ("below", "/any/page", True)),
    _matching("slash_star", "/*", ("root", "/", True), ("below", "/any/page", True)),
    _matching("root_only", "/$", ("root", "/", True), ("below", "/a", False), ("query", "/?a", False)),
    _matching("fish", "/fish", *_FISH),
    _matching("fish_star", "/fish*", *_FISH),
    _matching("fish_folder", "/fish/", ("itself", "/fish/", True), ("below", "/fish/salmon.htm", True),
              ("query", "/fish/?id=anything", True), ("no_slash", "/fish", False), ("suffix", "/fish.html", False),
              ("case", "/Fish/Salmon.asp", False)),
    _matching("php", "/*.php", ("file", "/index.php", True), ("root", "/", False), ("folder", "/folder/name.php", True),
              ("query", "/folder/name.php?parameters", True), ("inside", "/folder/any.php.file.html", True),
              ("as_folder", "/name.php/", True), ("case", "/windows.PHP", False)),
    _matching("php_end", "/*.php$", ("file", "/name.php", True), ("folder", "/folder/name.php", True),
              ("query", "/name.php?parameters", False), ("as_folder", "/name.php/", False),
              ("longer", "/name.php5", False), ("case", "/windows.PHP", False)),
    _matching("fish_php", "/fish*.php", ("file", "/fish.php", True),
              ("query", "/fishheads/catfish.php?parameters", True), ("case", "/Fish.PHP", False)),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /this/*/exactly$", (
        ("star_and_end", ME, "/this/path/exactly", False),
        ("star_over_slashes", ME, "/this/long/path/exactly", False),
        ("star_for_nothing", ME, "/this//exactly", False),
        ("star_and_not_the_end", ME, "/this/path/exactly/not", True),
        ("end_reached_at_a_later_place", ME, "/this/a/exactly/b/exactly", False),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /**/x***y", (
        ("several_stars_are_one", ME, "/a/xby", False),
        ("several_stars_need_the_rest", ME, "/a/xb", True),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /*a*b*c", (
        ("pieces_in_their_order", ME, "/1a2b3c", False),
        ("pieces_in_another_order", ME, "/c3b2a1", True),
        ("pieces_do_not_overlap", ME, "/xabxc", False),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /aba*aba$", (
        ("the_end_does_not_overlap_the_beginning", ME, "/aba", True),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /a*$", (("star_before_the_end", ME, "/abc", False),)),
    File(_rfc("5.1"), f"{EVERYONE}Disallow: *secret", (
        ("star_first", ME, "/a/secret/b", False),
        ("star_first_elsewhere", ME, "/a/public", True),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: *", (("star_alone", ME, "/a", False),)),
    File(PARSER, f"{EVERYONE}Disallow: /a$b", (
        ("dollar_in_the_middle_is_a_dollar", ME, "/a$b/c", False),
        ("dollar_in_the_middle_is_no_end", ME, "/a", True),
    )),
    File(PARSER, f"{EVERYONE}Disallow: /a$$", (
        ("dollar_before_the_end", ME, "/a$", False),
        ("dollar_before_the_end_missing", ME, "/a", True),
    )),
    File(PARSER, f"{EVERYONE}Disallow: /a$*", (("dollar_before_a_star", ME, "/a", True),)),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /file-with-a-%2A.html", (
        ("escaped_star_matches_a_star", ME, "/file-with-a-*.html", False),
        ("escaped_star_matches_itself", ME, "/file-with-a-%2A.html", False),
        ("escaped_star_is_no_wildcard", ME, "/file-with-a-b.html", True),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /foo-%24", (
        ("escaped_dollar_matches_a_dollar", ME, "/foo-$", False),
        ("escaped_dollar_is_no_end", ME, "/foo-$/x", False),
        ("escaped_dollar_needs_one", ME, "/foo-", True),
    )),
    File(_rfc("2.2.3"), f"{EVERYONE}Disallow: /a*b", (("star_matches_a_star", ME, "/a*b", False),)),
    File(PARSER, f"{EVERYONE}Disallow: private", (("pattern_without_a_slash", ME, "/private", True),)),
    File(PARSER, f"{EVERYONE}Disallow: https://www.example.com/a", (("pattern_with_a_host", ME, "/a", True),)),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /a", (("matching_begins_at_the_first_octet", ME, "/b/a", True),)),
    File(OWN, f"{EVERYONE}Disallow: /x/\nAllow: /x/index.html", (
        ("index_html_is_no_folder", ME, "/x/", False),
        ("index_html_itself", ME, "/x/index.html", True),
    )),
    # -- queries, parameters, fragments --------------------------------------------------------------------
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /*?", (
        ("any_query", ME, "/a?b=c", False),
        ("no_query", ME, "/a", True),
        ("fragment_is_no_query", ME, "/a#?b", True),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar?baz=quz", (
        ("query_is_compared", ME, "/foo/bar?baz=quz", False),
        ("other_query", ME, "/foo/bar?baz=qux", True),
    )),
    File(YANDEX, f"{EVERYONE}Disallow: /page?", (
        ("parameters", ME, "/page?id=1", False),
        ("no_parameters", ME, "/page", True),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /*;jsessionid=", (
        ("path_parameters", ME, "/a;jsessionid=1", False),
        ("path_parameters_missing", ME, "/a", True),
    )),
    File(PARSER, f"{EVERYONE}Disallow: /a", (
        ("fragment_is_ignored", ME, "/b#/a", True),
        ("fragment_after_a_match", ME, "/a#b", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /*&b=", (
        ("second_parameter", ME, "/x?a=1&b=2", False),
        ("escaped_ampersand_is_none", ME, "/x?a=1%26b=2", True),
    )),
    # -- escapes -------------------------------------------------------------------------------------------
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar?baz=https://foo.bar", (
        ("address_in_a_query", ME, "/foo/bar?baz=https://foo.bar", False),
        ("address_in_a_query_escaped", ME, "/foo/bar?baz=https%3A%2F%2Ffoo.bar", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar?baz=https%3A%2F%2Ffoo.bar", (
        ("escaped_address_in_a_query", ME, "/foo/bar?baz=https%3a%2f%2ffoo.bar", False),
        ("escaped_address_in_a_query_plain", ME, "/foo/bar?baz=https://foo.bar", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar/ツ", (
        ("utf8_in_the_rule", ME, "/foo/bar/%E3%83%84", False),
        ("utf8_in_both", ME, "/foo/bar/ツ", False),
        ("utf8_in_the_rule_small_digits", ME, "/foo/bar/%e3%83%84", False),
        ("utf8_other_letter", ME, "/foo/bar/%E3%83%85", True),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar/%E3%83%84", (
        ("utf8_escaped_in_the_rule", ME, "/foo/bar/ツ", False),
        ("utf8_escaped_in_both", ME, "/foo/bar/%E3%83%84", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar/%62%61%7A", (
        ("escaped_letters_in_the_rule", ME, "/foo/bar/baz", False),
        ("escaped_letters_in_both", ME, "/foo/bar/%62%61%7A", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /foo/bar/baz", (
        ("escaped_letters_in_the_path", ME, "/foo/bar/%62%61%7A", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /a%2Fb", (
        ("escaped_slash_is_no_slash", ME, "/a/b", True),
        ("escaped_slash_in_both", ME, "/a%2fb", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /a/b", (("slash_is_no_escaped_slash", ME, "/a%2Fb", True),)),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /~user/", (
        ("tilde", ME, "/~user/x", False),
        ("tilde_escaped_in_the_path", ME, "/%7Euser/x", False),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /%7euser/", (("tilde_escaped_in_the_rule", ME, "/~user/x", False),)),
    File(PARSER, f"{EVERYONE}Disallow: /%aa", (("digits_of_an_escape_in_any_case", ME, "/%AA", False),)),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /100%\nDisallow: /50%zz", (
        ("percent_without_digits", ME, "/100%", False),
        ("percent_and_no_digits", ME, "/50%zz", False),
    )),
    File(PARSER, b"User-agent: *\nDisallow: /caf\xe9", (
        ("octet_that_is_no_utf8", ME, "/caf%E9", False),
        ("octet_that_is_no_utf8_other", ME, "/caf%C3%A9", True),
    )),
    File(_rfc("2.2.2"), f"{EVERYONE}Disallow: /*é$", (
        ("utf8_after_a_star", ME, "/caf%C3%A9", False),
        ("utf8_after_a_star_not_the_end", ME, "/caf%C3%A9s", True),
    )),
    # -- our own choices -----------------------------------------------------------------------------------
    File(OWN, f"{EVERYONE}Disallow: /my files/", (("space_within_a_pattern", ME, "/my%20files/x", False),)),
    File(OWN, f"{EVERYONE}Disallow: /a|b", (
        ("bar_escaped_by_a_browser", ME, "/a%7Cb", False),
        ("bar_plain", ME, "/a|b", False),
    )),
    File(OWN, "User-agent:\u00a0*\nDisallow:\u00a0/a\u3000", (("white_space_of_any_kind", ME, "/a", False),)),
    File(OWN, "User-agent: *\nDisallow: /a\n".encode("utf-16"), (("utf16_with_its_mark", ME, "/a", False),)),
    File(OWN, "\ufeffUser-agent: *\nDisallow: /a\n".encode("utf-16-be"), (("utf16_the_other_way", ME, "/a", False),)),
]  # fmt: skip
