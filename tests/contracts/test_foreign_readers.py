"""The key document that we write is read by other people's tools."""

import pytest
from coinslot_contracts.portals.jogos.identity import KEY_FORMS, dump_public_key
from coinslot_testkit.foreign_readers import read_by_jdk, read_by_jsonwebtoken
from coinslot_testkit.tokens import NOW_S, good_claims, make_token, spki

READ_BY_THE_JDK = ("pem", "pem-spaces", "bare-base64")
READ_BY_JSONWEBTOKEN = (
    "pem",
    "pem-trailing-newline",
    "pem-64-columns",
    "pem-64-columns-trailing-newline",
    "pem-crlf",
    "pem-pkcs1",
)


@pytest.mark.tool("jsonwebtoken")
@pytest.mark.parametrize("form", [None, *READ_BY_JSONWEBTOKEN])
def test_jsonwebtoken_reads_every_pem(form):
    """jogos:user.4, sandbox:key-form"""
    assert read_by_jsonwebtoken(dump_public_key(spki(), form), make_token(), at_s=NOW_S) == good_claims()


@pytest.mark.tool("java")
@pytest.mark.parametrize("form", [None, *READ_BY_THE_JDK])
def test_the_jdk_reads_the_documents_form(form):
    """jogos:user.4: 27 and 25 characters cut off, strict Base64."""
    assert read_by_jdk(dump_public_key(spki(), form), make_token()) == good_claims()


@pytest.mark.tool("jsonwebtoken")
@pytest.mark.parametrize(
    ("form", "key"),
    [*((form, "signing") for form in KEY_FORMS if form not in READ_BY_JSONWEBTOKEN), ("pem", "other")],
)
def test_jsonwebtoken_fails_on_another_form_or_key(form, key):
    """The negative twin: a reader that never failed would prove nothing."""
    with pytest.raises(AssertionError):
        read_by_jsonwebtoken(dump_public_key(spki(), form), make_token(key=key), at_s=NOW_S)


@pytest.mark.tool("java")
@pytest.mark.parametrize(
    ("form", "key"),
    [*((form, "signing") for form in KEY_FORMS if form not in READ_BY_THE_JDK), ("pem", "other")],
)
def test_the_jdk_fails_on_another_form_or_key(form, key):
    """sandbox:key-form: of what jsonwebtoken reads too, only the default; spaces are read by luck."""
    with pytest.raises(AssertionError):
        read_by_jdk(dump_public_key(spki(), form), make_token(key=key))
