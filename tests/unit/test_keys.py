"""Keys: every one that is built parses back, every other one is foreign."""

import pytest

from trackio import keys
from trackio.errors import InvalidInput
from trackio.keys import (
    AliasKey,
    BlobKey,
    ClaimKey,
    ClockKey,
    CondemnedKey,
    ConsumerKey,
    DeletedVersionKey,
    LegacyKey,
    ManifestKey,
    MediaKey,
    MetaKey,
    NameKey,
    OverviewKey,
    PackKey,
    PointerKey,
    RegistryEventKey,
    ShardKey,
    TombstoneKey,
)
from trackio.model import EventId, PackId, RunId, TombstoneId, VersionId, WriterId
from trackio.store.base import check_key

RUN = RunId("my run/1")
WRITER = WriterId("0123456789abcdef01234567")
PACK = PackId("f" * 24)

BUILT = {
    MetaKey("p", RUN): "p/runs/my%20run%2F1/meta.json",
    ShardKey("p", RUN, WRITER, 0, 41): (
        "p/runs/my%20run%2F1/0123456789abcdef01234567/000000000000-000000000041.parquet"
    ),
    PointerKey("p", RUN, WRITER, 7, 7, PACK): (
        f"p/runs/my%20run%2F1/0123456789abcdef01234567/000000000007-000000000007.{PACK}"
    ),
    MediaKey("p", RUN, WRITER, "0" * 64, "png"): (
        f"p/runs/my%20run%2F1/0123456789abcdef01234567/media/{'0' * 64}.png"
    ),
    NameKey("p", "näme", RUN): "p/names/näme/my%20run%2F1",
    PackKey("p", PACK): f"p/packs/{PACK}.parquet",
    OverviewKey("p", PACK): f"p/packs/{PACK}.overview.parquet",
    CondemnedKey("p", PACK): f"p/packs/{PACK}.condemned",
    ClockKey("p", WRITER): f"p/state/clock/{WRITER}",
    TombstoneKey("p", RUN, TombstoneId(WRITER)): f"p/deleted/my%20run%2F1/{WRITER}",
    ConsumerKey("p", "alerts.json"): "p/state/alerts.json.json",
    ClaimKey("p", WRITER, 3, "mail"): f"p/state/claims/{WRITER}-000000000003/mail",
    LegacyKey("p", ("old dir", "a.png")): "p/legacy/old%20dir/a.png",
    BlobKey("p", "a" * 64): f"p/artifacts/blobs/{'a' * 64}",
    ManifestKey("p", "my model", VersionId(WRITER)): f"p/artifacts/my%20model/{WRITER}.json",
    AliasKey("p", "blobs", "best one"): "p/artifacts/blobs/aliases/best%20one.json",
    DeletedVersionKey("p", "m", VersionId(WRITER)): f"p/artifacts/m/deleted/{WRITER}",
    RegistryEventKey("prod", EventId(WRITER)): f"@registry/prod/{WRITER}.json",
}


@pytest.mark.parametrize(("key", "text"), BUILT.items(), ids=lambda x: type(x).__name__)
def test_a_key_is_written_as_the_format_says(key, text):
    """The spelling is a promise to other readers: it never changes."""
    assert text == str(key)
    assert key == keys.parse(text)


def test_every_kind_of_key_is_tried_here():
    """A new kind needs a line in `BUILT`."""
    assert {type(key) for key in BUILT} == set(keys.Key.__args__)


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "p",
        "p/",
        "/",
        "p/runs",
        "p/runs/",
        "p/runs/r/meta.json/",
        "p/runs/r/META.json",
        "p/runs//meta.json",
        "p//runs/r/meta.json",
        "p/runs/r%2f/meta.json",  # lower-case digits are another spelling
        "p/runs/r%/meta.json",
        "p/runs/r%41/meta.json",  # an A that needs no escape
        "p/runs/r/notes.txt",
        "p/.hidden/r/meta.json",
        ".journal/x",
        f"p/runs/r/{WRITER}",
        f"p/runs/r/{WRITER}/1-2.parquet",
        f"p/runs/r/{WRITER}/0000000000000-0000000000001.parquet",  # 13 digits for small numbers
        f"p/runs/r/{WRITER}/000000000002-000000000001.parquet",
        f"p/runs/r/{WRITER}/000000000000-000000000001.parquet.tmp",
        f"p/runs/r/{WRITER}/000000000000-000000000001.PARQUET",
        f"p/runs/r/{WRITER}/٠٠٠٠٠٠٠٠٠٠٠٠-000000000001.parquet",  # digits of another script
        f"p/runs/r/{WRITER}/000000000000-000000000001.{WRITER.upper()}",
        f"p/runs/r/{WRITER}/media/{'0' * 63}.png",
        f"p/runs/r/{WRITER}/media/{'0' * 64}.PNG",
        f"p/runs/r/{WRITER}/media/x/{'0' * 64}.png",
        f"p/runs/r/{WRITER.upper()}/000000000000-000000000001.parquet",
        f"p/packs/{PACK}",
        f"p/packs/{PACK}.parquet.tmp",
        f"p/packs/{PACK}.overview",
        f"p/packs/x/{PACK}.parquet",
        "p/state/clock/x",
        "p/state/alerts",
        f"p/state/claims/{WRITER}-3/mail",
        f"p/state/claims/{WRITER}-0000000000003/mail",
        f"p/deleted/r/{WRITER}/x",
        "p/deleted/r/x",
        "p/names/n",
        "p/names/n/r/x",
        "p/artifacts/blobs/0",
        "\udcff/runs/r/meta.json",  # a file name that is no UTF-8, as the system lists it
        "p/runs/\udce9t\udce9/meta.json",
        "p/names/n/\udcff",
        "p/state/\udcff.json",
        "e\u0301/runs/r/meta.json",  # NFD: never how a name is written
    ],
)
def test_what_no_key_is_written_like_is_foreign(foreign):
    """People copy files about, and file systems invent names; none of them is taken for ours."""
    assert keys.parse(foreign) is None


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("plain-name_1.0", "plain-name_1.0"),
        ("with space", "with%20space"),
        ("a/b\\c", "a%2Fb%5Cc"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E.%2E"),
        (".hidden.", "%2Ehidden%2E"),
        ("trailing ", "trailing%20"),
        ("line\nbreak\0nul", "line%0Abreak%00nul"),
        ("\N{GRINNING FACE}", "%F0%9F%98%80"),
        ("über", "über"),
        ("u\N{COMBINING DIAERESIS}ber", "u%CC%88ber"),
        ("実験", "実験"),
        ("\u1112\u1161\u11ab", "%E1%84%92%E1%85%A1%E1%86%AB"),  # letters that NFC would join
        ("a<b>:c|d?e*f\"g'h", "a%3Cb%3E%3Ac%7Cd%3Fe%2Af%22g%27h"),
        ("~$&=+@!#(x)[y]{z};,^`", "%7E%24%26%3D%2B%40%21%23%28x%29%5By%5D%7Bz%7D%3B%2C%5E%60"),
    ],
)
def test_a_name_is_encoded_so_that_every_store_keeps_it_and_comes_back_exact(name, part):
    """Not a byte of what a user typed is changed, and no store sees a dangerous one."""
    assert part == keys.encode_name(name)
    assert name == keys.decode_name(part)
    assert part == check_key(part)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("\ud800", "valid Unicode"),
        ("x" * 256, "255"),
        ("é" * 128, "255"),
        (" " * 86, "255"),
        ("con", "Windows"),
        ("CON.txt", "Windows"),
        ("Com1", "Windows"),
        ("lpt³.log", "Windows"),
        ("nul", "Windows"),
        (5, "text"),
        (None, "text"),
        (b"p", "text"),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused_with_the_reason(name, why):
    """Better here than half-way through a training run."""
    with pytest.raises(InvalidInput, match=why):
        keys.encode_name(name)


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, " " * 85, "con-1", "com10", "console"])
def test_names_just_within_the_limits_are_kept(name):
    """255 bytes, and words that only begin like reserved ones."""
    assert name == keys.decode_name(keys.encode_name(name))


def test_numbers_beyond_twelve_digits_parse_back():
    """A writer that made more than 10^12 calls still has one key a range."""
    key = ShardKey("p", RUN, WRITER, 10**12, 10**17)
    assert key == keys.parse(str(key))


def test_shards_sort_by_their_first_seq_as_text():
    """So a plain listing shows a writer's files in order."""
    texts = [str(ShardKey("p", RUN, WRITER, first, first)) for first in (0, 9, 10, 99, 10**11)]
    assert sorted(texts) == texts
