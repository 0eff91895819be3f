"""Which encoding a page is in, and the text its bytes stand for: as browsers decide both."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.encoding import decode
from crawler.labels import encoding_for_label
from crawler.legacy import decode_bytes
from crawler.legacy_encode import query_bytes
from crawler.prescan import declared_encoding

ENCODINGS = [
    "utf-8", "ibm866", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8",
    "iso-8859-8-i", "iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u",
    "macintosh", "windows-874", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254",
    "windows-1255", "windows-1256", "windows-1257", "windows-1258", "x-mac-cyrillic", "gbk", "gb18030", "big5",
    "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr", "replacement", "utf-16be", "utf-16le", "x-user-defined",
]  # fmt: skip
"""All encodings of the standard: https://encoding.spec.whatwg.org/#names-and-labels"""

GREEK = "<p>Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και μία από τις παλαιότερες πόλεις του κόσμου</p>"
RUSSIAN = "<p>Москва — столица России, город федерального значения и крупнейший по численности населения город</p>"
UKRAINIAN = "<p>Київ є столицею України, її найбільшим містом і осередком політичного життя країни, її історії</p>"
JAPANESE = "<p>東京は日本の首都であり、世界でもっとも人口の多い都市のひとつです。カタカナもあります。</p>"
CHINESE = "<p>北京是中华人民共和国的首都，也是全国的政治中心和文化中心，历史悠久。</p>"
GERMAN = "<p>Die schönsten Bücher über Äpfel, Öfen und Übungen für große Mädchen</p>"

DECIDED = [  # id, body, charset of the header, host, encoding, who decided
    ("header", b"<p>\xe4", "windows-1252", "example.com", "windows-1252", "header"),
    ("header_in_capitals_and_quotes", b"<p>", ' "UTF-8" ', "example.com", "utf-8", "header"),
    ("latin1_is_windows_1252", b"<p>\x80", "ISO-8859-1", "example.com", "windows-1252", "header"),
    ("byte_order_mark_beats_the_header", b"\xef\xbb\xbf<p>", "shift_jis", "example.com", "utf-8", "bom"),
    ("utf16_mark", "\ufeff<p>".encode("utf-16-le"), None, "example.com", "utf-16le", "bom"),
    ("utf16_big_endian_mark", "\ufeff<p>".encode("utf-16-be"), "utf-8", "example.com", "utf-16be", "bom"),
    ("header_beats_meta", b"<meta charset=koi8-r>", "utf-8", "example.com", "utf-8", "header"),
    ("absurd_header_is_passed_over", b"<meta charset=koi8-r>", "utf-99", "example.com", "koi8-r", "meta"),
    ("python_codec_is_no_label", b"<p>", "rot13", "example.com", "windows-1252", "default"),
    ("nul_in_a_name", b"<p>", "utf\x00-8", "example.com", "windows-1252", "default"),
    ("empty_header", b"<meta charset=koi8-r>", "", "example.com", "koi8-r", "meta"),
    ("attack_encoding_is_not_decoded", b"<p>\x1b$)C", "iso-2022-kr", "example.com", "replacement", "header"),
    ("user_defined_in_a_header", b"<p>\xe4", "x-user-defined", "example.com", "x-user-defined", "header"),
    ("nothing_at_all", b"", None, "example.com", "windows-1252", "default"),
    ("only_ascii", b"<p>plain</p>", None, "example.jp", "windows-1252", "default"),
    ("undeclared_utf8", GERMAN.encode(), None, "example.com", "utf-8", "detected"),
    ("one_character_of_utf8", "é".encode(), None, "example.com", "utf-8", "detected"),
    ("undeclared_utf8_cut_short", GERMAN.encode() + b"\xc3", None, "example.com", "utf-8", "detected"),
    ("undeclared_german", GERMAN.encode("cp1252"), None, "example.de", "windows-1252", "detected"),
    ("undeclared_greek", GREEK.encode("iso8859_7"), None, "example.gr", "iso-8859-7", "detected"),
    ("undeclared_russian", RUSSIAN.encode("cp1251"), None, "example.ru", "windows-1251", "detected"),
    ("undeclared_russian_koi8", RUSSIAN.replace("—", "-").encode("koi8_r"), None, "example.ru", "koi8-r", "detected"),
    ("undeclared_ukrainian_koi8", UKRAINIAN.encode("koi8_u"), None, "example.ua", "koi8-u", "detected"),
    ("undeclared_japanese", JAPANESE.encode("cp932"), None, "example.jp", "shift_jis", "detected"),
    ("undeclared_japanese_euc", JAPANESE.encode("euc_jp"), None, "example.com", "euc-jp", "detected"),
    ("undeclared_japanese_escapes", JAPANESE.encode("iso2022_jp"), None, "example.jp", "iso-2022-jp", "detected"),
    ("undeclared_chinese", CHINESE.encode("gbk"), None, "example.cn", "gbk", "detected"),
    ("address_as_host", GERMAN.encode("cp1252"), None, "192.0.2.1", "windows-1252", "detected"),
    ("odd_host", GERMAN.encode("cp1252"), None, "[::1]", "windows-1252", "detected"),
    ("host_in_unicode_and_capitals", GERMAN.encode("cp1252"), None, "EXAMPLE.РФ.", "windows-1252", "detected"),
]


@pytest.mark.parametrize(
    ("body", "header", "host", "encoding", "source"), [pytest.param(*row[1:], id=row[0]) for row in DECIDED]
)
def test_who_decides(body: bytes, header: str | None, host: str, encoding: str, source: str) -> None:
    assert decode(body, header, host)[1:] == (encoding, source)


@pytest.mark.parametrize("text", [GREEK, RUSSIAN, JAPANESE, CHINESE, GERMAN], ids=["el", "ru", "ja", "zh", "de"])
def test_the_words_are_right(text: str) -> None:
    assert decode(text.encode(), None, "example.com")[0] == text
    assert decode(b"\xef\xbb\xbf" + text.encode(), None, "example.com")[0] == text
    assert decode(text.encode("utf-16"), None, "example.com")[0] == text
    assert decode(text.encode("gb18030"), "GB2312", "example.com")[0] == text


LATE = b"<!doctype html><html><head><title>" + b"t" * 1100 + b"</title>"

DECLARED = [  # id, body, encoding
    ("charset", b"<meta charset=utf-8>", "utf-8"),
    ("quoted", b"<meta charset='Shift_JIS'>", "shift_jis"),
    ("blanks_in_the_label", b'<meta charset=" utf-8\t">', "utf-8"),
    ("capitals_and_slash", b"<META/CHARSET=UTF8/>", None),
    ("capitals_and_blanks", b"<META \n CHARSET = UTF8 />", "utf-8"),
    ("http_equiv", b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">', "koi8-r"),
    ("content_first", b'<meta content="text/html; charset=koi8-r" http-equiv=content-type>', "koi8-r"),
    ("content_without_http_equiv", b'<meta content="text/html; charset=koi8-r">', None),
    ("another_http_equiv", b'<meta http-equiv=refresh content="0; charset=koi8-r">', None),
    ("charset_quoted_in_content", b"<meta http-equiv=content-type content=\"text/html; charset='koi8-r'\">", "koi8-r"),
    ("charset_quote_left_open", b'<meta http-equiv=content-type content="text/html; charset=\'koi8-r">', None),
    ("second_charset_in_content", b'<meta http-equiv=content-type content="charset charset=koi8-r;x">', "koi8-r"),
    ("first_attribute_of_a_name_counts", b"<meta charset=koi8-r charset=utf-8>", "koi8-r"),
    ("absurd_name_is_passed_over", b"<meta charset=absurd><meta charset=koi8-r>", "koi8-r"),
    ("absurd_charset_hides_its_content", b'<meta charset=x http-equiv=content-type content="charset=koi8-r">', None),
    ("utf16_means_utf8", b"<meta charset=utf-16>", "utf-8"),
    ("user_defined_means_windows_1252", b"<meta charset=x-user-defined>", "windows-1252"),
    ("inside_a_comment", b"<!-- <meta charset=koi8-r> --><meta charset=utf-8>", "utf-8"),
    ("shortest_comment", b"<!--><meta charset=utf-8>", "utf-8"),
    ("comment_left_open", b"<!-- <meta charset=koi8-r>", None),
    ("inside_an_attribute", b"<p title='<meta charset=koi8-r>'><meta charset=utf-8>", "utf-8"),
    ("bogus_comment_ends_at_the_first_bracket", b"<! <meta charset=koi8-r><meta charset=utf-8>", "utf-8"),
    ("processing_instruction", b"<?php x ?><meta charset=utf-8>", "utf-8"),
    ("end_tag", b"</meta charset=koi8-r><meta charset=utf-8>", "utf-8"),
    ("longer_name", b"<metadata charset=koi8-r>", None),
    ("tag_left_open", b"<meta charset=koi8-r", None),
    ("quote_left_open", b"<meta charset='koi8-r>", None),
    ("no_label", b"<meta charset=>", None),
    ("cut_by_the_1024th_byte", b" " * 1005 + b"<meta charset=koi8-r>", "koi8-r"),
    ("behind_1024_bytes_in_the_head", LATE + b"<meta charset=koi8-r>", "koi8-r"),
    ("behind_1024_bytes_and_the_head", LATE + b"</head><body><meta charset=koi8-r>", None),
    ("behind_1024_bytes_and_a_paragraph", LATE + b"<p><meta charset=koi8-r>", None),
    ("behind_1024_bytes_in_a_script", LATE + b"<script>'<meta charset=koi8-r>'</script>", None),
    ("behind_1024_bytes_and_a_script", LATE + b"<script>'<p>'</script><meta charset=koi8-r>", "koi8-r"),
    ("behind_1024_bytes_in_a_comment", LATE + b"<!--<meta charset=koi8-r>-->", None),
    ("title_left_open", b"<title>" + b"t" * 1100 + b"<meta charset=koi8-r>", None),
    ("xml_declaration", b'<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
    ("xml_declaration_and_meta", b'<?xml version="1.0" encoding="koi8-r"?><meta charset=utf-8>', "utf-8"),
    ("xml_declaration_later", b' <?xml version="1.0" encoding="koi8-r"?>', None),
    ("xml_declaration_in_utf16", '<?xml version="1.0"?>'.encode("utf-16-le"), "utf-16le"),
    ("xml_declaration_in_utf16_big_endian", '<?xml version="1.0"?>'.encode("utf-16-be"), "utf-16be"),
    ("nothing", b"<p>", None),
    ("empty", b"", None),
]


@pytest.mark.parametrize(("body", "encoding"), [pytest.param(*row[1:], id=row[0]) for row in DECLARED])
def test_declared_encoding(body: bytes, encoding: str | None) -> None:
    assert declared_encoding(body) == encoding


LABELS = [
    ("UTF8", "utf-8"), (" latin1\n", "windows-1252"), ("ascii", "windows-1252"), ("gb2312", "gbk"),
    ("sjis", "shift_jis"), ("tis-620", "windows-874"), ("ks_c_5601-1987", "euc-kr"), ("hz-gb-2312", "replacement"),
    ("unicode", "utf-16le"), ("iso-8859-9", "windows-1254"), ("utf-7", None), ("utf-32", None), ("cp437", None),
    ("idna", None), ("", None), ("utf-8\xa0", None), ("\u017fjis", None), ("\u212aoi8-r", None),
]  # fmt: skip


@pytest.mark.parametrize(("label", "encoding"), LABELS)
def test_label(label: str, encoding: str | None) -> None:
    assert encoding_for_label(label) == encoding


def test_every_encoding_has_labels_and_a_decoder() -> None:
    for encoding in ENCODINGS:
        assert encoding_for_label(encoding) == encoding
        assert decode_bytes(b"", encoding) == ""
        if not encoding.startswith("utf-16") and encoding != "replacement":
            assert decode_bytes(b"<a href='?a=b~'>", encoding) == "<a href='?a=b~'>"


READ = [  # id, encoding, bytes, text: where Python's codecs differ, and how many bytes one U+FFFD takes
    ("windows_1252_has_no_holes", "windows-1252", "81 8d 8f 90 9d 80", "\x81\x8d\x8f\x90\x9d€"),
    ("windows_1253_hole", "windows-1253", "81 aa", "\x81\ufffd"),
    ("windows_874_holes", "windows-874", "81 db", "\x81\ufffd"),
    ("windows_1255_judeo_spanish_varika", "windows-1255", "ca", "\u05ba"),
    ("koi8_u_short_u", "koi8-u", "ae be", "ўЎ"),
    ("iso_8859_8_i_is_iso_8859_8", "iso-8859-8-i", "e0", "א"),
    ("big5_bullet", "big5", "a1 45", "‧"),
    ("big5_slashes", "big5", "a2 41 a2 42 a1 fe 41", "∕﹨／A"),
    ("big5_two_characters_of_one_pair", "big5", "88 62", "Ê\u0304"),
    ("big5_hong_kong_extension", "big5", "87 7a", "㡵"),
    ("big5_unfit_second_byte_goes_too", "big5", "81 80 41", "\ufffdA"),
    ("big5_ascii_second_byte_stays", "big5", "81 3c 41", "\ufffd<A"),
    ("big5_cut", "big5", "41 81", "A\ufffd"),
    ("gbk_euro", "gbk", "80", "€"),
    ("gbk_reads_four_bytes", "gbk", "94 39 fc 36", "😀"),
    ("gb18030_ideographic_space", "gb18030", "a3 a0", "\u3000"),
    ("gb18030_of_2022", "gb18030", "a6 d9 fe 59", "︐龴"),
    ("gb18030_broken_four_bytes", "gb18030", "81 30 41", "\ufffd0A"),
    ("gb18030_cut_four_bytes", "gb18030", "81 30 81", "\ufffd"),
    ("gb18030_no_such_four_bytes", "gb18030", "fe 39 fe 39", "\ufffd"),
    ("gb18030_ff", "gb18030", "ff 41", "\ufffdA"),
    ("euc_jp_wave_dash", "euc-jp", "a1 c1", "\uff5e"),
    ("euc_jp_tilde_of_jis_x_0212", "euc-jp", "8f a2 b7", "～"),
    ("euc_jp_circled_number", "euc-jp", "ad a1", "①"),
    ("euc_jp_half_width", "euc-jp", "8e b1", "ｱ"),
    ("euc_jp_three_bytes_broken_by_ascii", "euc-jp", "8f a1 41", "\ufffdA"),
    ("euc_jp_no_such_three_bytes", "euc-jp", "8f a1 a1", "\ufffd"),
    ("shift_jis_circled_number", "shift_jis", "87 40", "①"),
    ("shift_jis_private_use", "shift_jis", "f0 40", "\ue000"),
    ("shift_jis_unused_bytes", "shift_jis", "a0 fd ff", "\ufffd\ufffd\ufffd"),
    ("shift_jis_quote_after_a_lead", "shift_jis", "81 22 41", '\ufffd"A'),
    ("euc_kr_extended", "euc-kr", "81 41", "갂"),
    ("iso_2022_jp", "iso-2022-jp", "1b 24 42 46 7c 1b 28 42 41", "日A"),
    ("iso_2022_jp_roman", "iso-2022-jp", "1b 28 4a 5c 7e", "¥‾"),
    ("iso_2022_jp_katakana", "iso-2022-jp", "1b 28 49 31", "ｱ"),
    ("iso_2022_jp_unknown_escape", "iso-2022-jp", "1b 24 43", "\ufffd$C"),
    ("iso_2022_jp_two_escapes_in_a_row", "iso-2022-jp", "1b 24 42 1b 28 42 41", "\ufffdA"),
    ("iso_2022_jp_cut", "iso-2022-jp", "1b 24 42 46", "\ufffd"),
    ("utf8_truncated_sequence_is_one", "utf-8", "e2 82 41", "\ufffdA"),
    ("utf8_surrogate_is_three", "utf-8", "ed a0 80", "\ufffd\ufffd\ufffd"),
    ("utf8_overlong", "utf-8", "c0 80", "\ufffd\ufffd"),
    ("utf16_lone_surrogate", "utf-16le", "00 d8 41 00", "\ufffdA"),
    ("utf16_odd_byte", "utf-16be", "00 41 00", "A\ufffd"),
    ("user_defined", "x-user-defined", "41 80 ff", "A\uf780\uf7ff"),
    ("replacement", "replacement", "41 42", "\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "sequence", "text"), [pytest.param(*row[1:], id=row[0]) for row in READ])
def test_bytes_read_as_the_standard_says(encoding: str, sequence: str, text: str) -> None:
    assert decode_bytes(bytes.fromhex(sequence), encoding) == text


@given(st.binary(max_size=60), st.sampled_from(ENCODINGS))
def test_no_bytes_raise(body: bytes, encoding: str) -> None:
    decode_bytes(body, encoding).encode("utf-8")


MARKUP = st.sampled_from(
    [b"<meta ", b"charset", b"=", b'"', b"'", b">", b"<!--", b"-->", b"utf-8", b"\xff", b" ", b"<?xml "]
)


@given(st.lists(MARKUP | st.binary(max_size=3)).map(b"".join), st.none() | st.text(max_size=8), st.text(max_size=8))
def test_no_page_raises(body: bytes, header: str | None, host: str) -> None:
    text, encoding, source = decode(body, header, host)
    assert encoding in ENCODINGS
    assert source in ("bom", "header", "meta", "detected", "default")
    text.encode("utf-8")


@given(st.text(max_size=20), st.sampled_from(["utf-8", "utf-16le", "utf-16be"]))
def test_unicode_comes_back(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding, "ignore"), encoding, "example.com")[0] == text.encode(
        encoding, "ignore"
    ).decode(encoding).removeprefix("\ufeff")


LEGACY = [encoding for encoding in ENCODINGS if not encoding.startswith("utf-") and encoding != "replacement"]


@given(st.text(max_size=20), st.sampled_from(LEGACY))
def test_what_a_query_writes_is_read_again(text: str, encoding: str) -> None:
    """But for the characters that only look alike: yen, overline, minus, half-width forms, former private use."""
    for char in text:
        written = query_bytes(char, encoding)
        if b"%26%23" not in written and char not in "\xa5\u203e\u2212" and not "\uff61" <= char <= "\uff9f":
            assert decode_bytes(written, encoding) == char or "\ue700" <= char <= "\ue8ff"


CORPUS = os.environ.get("LINKLEDGER_CORPUS", "")

if CORPUS:  # where the folder is not there, the end of the run says so: see conftest.py
    import zstandard

    # Chromium does not look for ISO-2022-JP, and names Greek in windows-1253 ISO-8859-7, its near twin.
    RIGHTLY_OTHERWISE = {("windows-1252", "iso-2022-jp"), ("iso-8859-7", "windows-1253"), ("gb18030", "gbk")}

    def test_real_pages_are_read_in_the_encoding_that_the_browser_chose() -> None:
        folder = Path(CORPUS)
        with (folder / "oracle.jsonl.zst").open("rb") as raw:
            lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw), encoding="utf-8")
            chosen = {page["id"]: page["page"]["charset"].lower() for page in map(json.loads, lines)}
        rows = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
        about = {row["id"]: row for row in rows}
        read, wrong = 0, []
        with (folder / "pages.tar.zst").open("rb") as raw:
            stream = zstandard.ZstdDecompressor().stream_reader(raw)
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    row, content = about.get(Path(member.name).stem), archive.extractfile(member)
                    if row is None or content is None:
                        continue
                    host = row["url"].split("/")[2]
                    encoding = decode(content.read(), row["declared_charset_header_or_null"], host)[1]
                    read += 1
                    if encoding != chosen[row["id"]] and (chosen[row["id"]], encoding) not in RIGHTLY_OTHERWISE:
                        wrong.append((row["url"], chosen[row["id"]], encoding))
        assert wrong == []
        assert read == len(chosen)
