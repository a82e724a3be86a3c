"""Laws of keys and names: what is built parses back, what parses back was built so."""

import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st

from trackio import keys
from trackio.errors import InvalidInput
from trackio.model import EventId, PackId, RunId, TombstoneId, VersionId, WriterId

IDS = st.text("0123456789abcdef", min_size=24, max_size=24)
SEQS = st.integers(0, 10**15)
NAMES = st.one_of(
    st.text(min_size=1, max_size=60),
    st.text("./%\\ ~\0\tаé\u0301\u1100\u1161\U0001f600ªßİ", min_size=1, max_size=30),
)


@st.composite
def built(draw) -> keys.Key:
    """Any key that can be built."""
    project, run = draw(NAMES), RunId(draw(NAMES))
    identifier = draw(IDS)
    writer, pack = WriterId(identifier), PackId(draw(IDS))
    first, last = sorted(draw(st.tuples(SEQS, SEQS)))
    return draw(
        st.sampled_from(
            [
                keys.MetaKey(project, run),
                keys.ShardKey(project, run, writer, first, last),
                keys.PointerKey(project, run, writer, first, last, pack),
                keys.MediaKey(project, run, writer, identifier * 2 + "0" * 16, "png"),
                keys.NameKey(project, draw(NAMES), run),
                keys.PackKey(project, pack),
                keys.OverviewKey(project, pack),
                keys.CondemnedKey(project, pack),
                keys.ClockKey(project, identifier),
                keys.TombstoneKey(project, run, TombstoneId(identifier)),
                keys.ConsumerKey(project, draw(NAMES)),
                keys.ClaimKey(project, writer, first, draw(NAMES)),
                keys.BlobKey(project, identifier * 2 + "0" * 16),
                keys.ManifestKey(project, draw(NAMES), VersionId(identifier)),
                keys.AliasKey(project, draw(NAMES), draw(NAMES)),
                keys.DeletedVersionKey(project, draw(NAMES), VersionId(identifier)),
                keys.RegistryEventKey(project, EventId(identifier)),
                keys.LegacyKey(project, tuple(draw(st.lists(NAMES, min_size=1, max_size=3)))),
            ]
        )
    )


def _text(key: keys.Key) -> str:
    try:
        return str(key)
    except InvalidInput:
        assume(False)
        raise


@given(built())
def test_every_key_that_is_built_parses_back(key):
    """`parse(str(key)) == key`, whatever names users invent."""
    assert key == keys.parse(_text(key))


@given(built(), built())
def test_two_keys_never_share_a_text(one, other):
    """Equal texts are equal keys."""
    assert (one == other) == (_text(one) == _text(other))


@given(st.text())
def test_what_parses_is_written_so(text):
    """A key that is not exactly as it would be built is foreign."""
    key = keys.parse(text)
    assert key is None or str(key) == text


@given(built(), st.data())
def test_a_key_with_one_character_changed_is_another_key_or_foreign(key, data):
    """No two spellings mean the same file."""
    text = _text(key)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]
    found = keys.parse(changed)
    assert found is None or (str(found) == changed and (found == key) == (changed == text))


@given(NAMES)
def test_a_name_comes_back_exact_or_is_refused(name):
    """Every string of Unicode text has one encoding, and each encoding one name."""
    try:
        part = keys.encode_name(name)
    except InvalidInput:
        return
    assert name == keys.decode_name(part)


@given(NAMES)
def test_an_encoded_name_survives_every_file_system(name):
    """NFC (macOS would otherwise change it), no separators, no dot or space at an end."""
    try:
        part = keys.encode_name(name)
    except InvalidInput:
        return
    assert unicodedata.is_normalized("NFC", part)
    assert not set(part) & set('/\\:*?"<>| \0')
    assert part[0] != "."
    assert part[-1] not in ". "
    assert len(part.encode()) <= 255


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_at_all_parses_or_is_foreign(text):
    """Lone surrogates too: file systems list names that are no text."""
    keys.parse(text)
    keys.decode_name(text)
