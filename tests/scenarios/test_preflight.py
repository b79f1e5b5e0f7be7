"""The preflight ends a run with 3 for what is no check's fault, and only for that."""

import hashlib

from coinslot_testkit.toy_backend import ToyBackend, says


def ended(harness, backend, **options):
    result = harness.check(backend, "JG-LOGIN-01", preflight=True, **options)
    return result.exit_code, "\n".join(harness.printer.err)


def test_a_wired_backend_passes_without_a_word(harness):
    """The positive twin."""
    with ToyBackend() as backend:
        assert ended(harness, backend) == (0, "")


def test_a_backend_that_is_not_there_is_unreachable(harness):
    """One line that says where was looked and what to do."""
    with ToyBackend() as backend:
        profile = harness.profile(backend)
        base_url = backend.base_url

    code, text = ended(harness, backend, profile=profile)

    assert code == 3
    assert f"the backend cannot be reached at {base_url} (connection refused)" in text


def test_a_login_path_that_answers_404_is_named(harness):
    """A typing mistake in the profile, not forty failures."""
    with ToyBackend() as backend:
        profile = harness.profile(backend, changes={"path: /login": "path: /signin"})
        code, text = ended(harness, backend, profile=profile)

    assert code == 3
    assert "/signin answers 404: correct jogos.login.request.path in the profile" in text


def test_a_callback_path_that_answers_404_is_named(harness):
    """The same for the callback."""
    with ToyBackend() as backend:
        profile = harness.profile(backend, changes={"path: /notify": "path: /callback"})
        code, text = ended(harness, backend, profile=profile)

    assert code == 3
    assert "/callback answers 404: correct jogos.callback.path in the profile" in text


def test_a_backend_that_asks_another_host_for_the_key_is_told_which_to_ask(harness):
    """A valid login refused, and publicKey.json never fetched from us."""
    with ToyBackend() as backend:
        profile = harness.profile(backend)
        backend.login = lambda _token: says({"user": None}, 401)
        code, text = ended(harness, backend, profile=profile)

    assert code == 3
    assert "the public key was never fetched from the sandbox" in text
    assert f"JOGOS_WEB_URL={backend.portal_url}" in text


def test_a_wrong_shared_key_is_named_in_one_line(harness):
    """P3: by the preflight, not by forty failures."""
    with ToyBackend() as backend:
        profile = harness.profile(backend)
        backend.shared_key = b"another-key"
        code, text = ended(harness, backend, profile=profile)

    assert code == 3
    assert "its shared key is not the profile's jogos.shared_key" in text
    assert len(text.splitlines()) == 1


class KeyFirst(ToyBackend):
    """Hashes key + body."""

    def signature_is_right(self, arrival):
        return arrival.header("Authorization") == hashlib.sha1(self.shared_key + arrival.body).hexdigest()


def test_a_wrong_formula_is_named_in_one_line(harness):
    """The usual wrong constructions are tried."""
    with KeyFirst() as backend:
        code, text = ended(harness, backend)

    assert code == 3
    assert "accepts a signature that is the digest of key + body; it is body + key" in text


class PlainOk(ToyBackend):
    """Takes every notification and says so in its own words."""

    def notified(self, arrival):
        super().notified(arrival)
        return says("OK")


def test_any_other_refusal_is_a_note_and_the_checks_run(harness):
    """An answer of the wrong form is what JG-CB-01 is for."""
    with PlainOk() as backend:
        code, text = ended(harness, backend)

    assert code == 0
    assert text.startswith("note: a valid notification was refused: HTTP 200")
