"""The desk as a browser meets it: pages, questions, answers; and what others try."""

import json
import socket
import time
import uuid

import numpy as np
import pytest

from sklearn_ecg.review import create_app, serve
from sklearn_ecg.review.desk._pages import read_words
from sklearn_ecg.review.desk._work import _CAUSES
from tests.review.desk.asgi_client import Client, an_answer, asked
from tests.review.queues import N_ECG_QUESTIONS, ecg_queue_at

API = ["/api/questions", "/api/signals/1", "/api/waves/1", "/api/progress"]


@pytest.fixture(scope="module")
def unanswered(tmp_path_factory):
    """A client, of whom nothing may be stored that these tests send."""
    queue = ecg_queue_at(tmp_path_factory.mktemp("unanswered") / "queue.sqlite")
    client = Client(create_app(queue, refit_every=0))
    client.sign_in("anna")
    yield client
    assert queue.trail().empty


def test_a_reader_signs_in_answers_and_takes_back(app, queue):
    client = Client(app)
    assert client.get("/").headers["location"] == "enter"
    assert client.get("/desk").headers["location"] == "enter"
    reply = client.sign_in(" Anna  Ek ")
    assert (reply.status, reply.headers["location"]) == (303, "desk")
    assert client.get("/").headers["location"] == "desk"
    assert "Anna Ek" in client.get("/desk").text

    first, second = asked(client, 2)
    reply = client.post("/api/answers", an_answer(first, note="P waves", seconds=2.5)).json()
    assert reply["stored"] and reply["question"] == first["question"]
    assert reply["progress"]["n_answered_by_reader"] == 1
    assert asked(client)[0]["question"] == second["question"]
    row = queue.trail().iloc[0]
    assert (row["reader"], row["note"], row["seconds"]) == ("Anna Ek", "P waves", 2.5)
    assert row["software"].startswith("sklearn_ecg ")

    undone = client.post("/api/undo", {"key": str(uuid.uuid4())}).json()
    assert undone["question"]["question"] == first["question"]
    assert undone["progress"]["n_answered_by_reader"] == 0
    assert client.post("/api/undo", {"key": str(uuid.uuid4())}).json()["question"] is None


def test_the_same_answer_sent_again_counts_once(anna, queue):
    sent = an_answer(*asked(anna))
    replies = [anna.post("/api/answers", sent) for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3
    assert replies[0].json() == replies[2].json()
    # As another form of the same number.
    assert anna.post("/api/answers", sent | {"key": sent["key"].upper()}).status == 200
    assert len(queue.trail()) == 1
    key = {"key": str(uuid.uuid4())}
    assert [anna.post("/api/undo", key).status for _ in range(2)] == [200] * 2
    assert len(queue.trail()) == 2


def test_an_undo_names_the_answer(anna, queue):
    first, second = asked(anna, 2)
    sent = [an_answer(first), an_answer(second)]
    for answer in sent:
        anna.post("/api/answers", answer)
    undo = {"key": str(uuid.uuid4()), "undoes": sent[0]["key"]}
    for key in (undo["key"], str(uuid.uuid4())):  # sent again, and asked again
        anna.post("/api/undo", undo | {"key": key})
    assert queue.trail()["undone"].tolist() == [True, False, False]
    # One that the server never had, and the key of an answer as that of an undo.
    unknown = anna.post("/api/undo", {"key": str(uuid.uuid4()), "undoes": str(uuid.uuid4())})
    assert unknown.json()["question"] is None
    assert anna.post("/api/undo", {"key": sent[1]["key"]}).status == 422
    assert len(queue.trail()) == 3


def test_signals_are_those_of_the_record(anna, queue):
    header = asked(anna)[0]["record"]
    reply = anna.get(f"/api/signals/{header['record']}")
    counts = np.frombuffer(reply.body, "<i2").reshape(len(header["leads"]), header["n_times"])
    expected = queue.record(header["record"]).signals[0]
    np.testing.assert_allclose(counts * header["step_mv"], expected, atol=header["step_mv"])
    # No ECG stays on the disk of a shared tablet, nor comes from there for another queue.
    assert reply.headers["cache-control"] == "no-store" and "etag" not in reply.headers


def test_waves_are_those_that_delineate_finds(anna, queue):
    from sklearn_ecg.features import delineate

    header = asked(anna)[0]["record"]
    waves = anna.get(f"/api/waves/{header['record']}").json()["waves"]
    record = queue.record(header["record"])
    table = delineate(record.signals[0], record.sampling_rate)
    lead = table[table["lead"] == 1]
    found = [wave for wave in waves if wave["lead"] == record.lead_names[1]]
    for name, peak in (("P", "p_peak"), ("QRS", "r_peak"), ("T", "t_peak")):
        bounds = lead[[f"{name.lower()}_onset", peak, f"{name.lower()}_offset"]]
        expected = bounds.dropna(how="all" if name != "QRS" else "any").to_numpy()
        own = [[w["onset"], w["peak"], w["offset"]] for w in found if w["wave"] == name]
        np.testing.assert_allclose(np.array(own, float), expected)


def test_ids_age_and_sex_are_hidden_unless_they_are_wanted(queue):
    for shown in (False, True):
        client = Client(create_app(queue, show_ids=shown, patient=shown))
        client.sign_in("anna")
        (question,) = asked(client)
        record = question["record"]
        assert "id" not in record
        assert (record["name"] == f"ECG {record['record']}") != shown
        assert (record["age"] is None and record["sex"] is None) != shown


def test_pages_come_in_the_language_of_the_browser_or_the_choice(app, anna, queue):
    stranger = Client(app)
    assert 'lang="en"' in stranger.get("/enter").text
    languages = [
        language
        for language in ("de", "zh")
        if f'<html lang="{language}' in stranger.get("/enter", **{"Accept-Language": language}).text
    ]
    assert languages == ["de", "zh"]
    assert '<html lang="de' in anna.get("/desk?language=de").text
    assert '<html lang="de' in anna.get("/desk", **{"Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert '<html lang="de' in anna.get("/desk?language=../de").text
    assert '<html lang="zh' in Client(create_app(queue, language="zh")).get("/enter").text


def test_the_overview_tells_of_progress_and_of_no_answer(anna, queue):
    sent = an_answer(*asked(anna), note="a note that nobody else sees", seconds=6)
    anna.post("/api/answers", sent)
    text = anna.get("/overview").text
    assert f'data-testid="n_questions">{N_ECG_QUESTIONS}<' in text
    assert "anna" in text and "a note" not in text
    assert f'data-testid="time_left">about {(N_ECG_QUESTIONS - 1) / 10:.0f} min<' in text
    left = queue.errors_left()
    assert f"{left['estimate']:.0f} ({left['low']:.0f} to {left['high']:.0f})" in text
    assert f"of {left['n_labels']:.0f} labels" in text
    assert Client(anna.app).get("/overview").headers["location"] == "enter"


def test_each_reply_forbids_what_the_desk_does_not_need(anna):
    replies = [anna.get(path) for path in ("/", "/enter", "/desk", "/overview", "/nowhere", *API)]
    replies += [anna.get("/static/enter.js"), anna.post("/api/answers", b"{")]
    replies += [anna.get("/enter", Host="evil.example")]
    for reply in replies:
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in reply.headers
    for path in ("/enter", "/desk", "/overview", "/api/questions", "/api/progress"):
        assert anna.get(path).headers["cache-control"] == "no-store"


def test_nothing_is_told_to_who_is_not_signed_in(app):
    stranger = Client(app)
    for path in API:
        reply = stranger.get(path)
        assert reply.status == 401 and set(reply.json()) == {"error", "what_to_do"}
    assert stranger.post("/api/answers", an_answer(1)).status == 401
    assert stranger.post("/api/undo", {"key": str(uuid.uuid4())}).status == 401
    stranger.cookies |= dict.fromkeys(("session", "reader"), "WyJhbm5hIiwieCJd.aw0QcA.xxxx")
    assert stranger.get("/api/progress").status == 401


def test_cookies_stay_with_this_site_and_away_from_scripts(app):
    for site, is_secure in (("http://127.0.0.1:8765", False), ("https://localhost", True)):
        client = Client(app, site)
        (cookie,) = client.sign_in("anna").cookies
        assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
        assert ("Secure" in cookie) == is_secure == cookie.startswith("__Host-")


def test_a_cookie_that_was_changed_is_none(anna):
    (name,) = (name for name in anna.cookies if name.endswith("reader"))
    whole = anna.cookies[name]
    for forged in (whole[:-4], "X" + whole[1:], whole.replace(".", "", 1), "", "a" * 5000):
        anna.cookies[name] = forged
        assert anna.get("/api/progress").status == 401
    # The key of a sign-in that has not taken place yet is none either.
    anna.cookies[name] = Client(anna.app).get("/enter").cookies[0].partition("=")[2].split(";")[0]
    assert anna.get("/api/progress").status == 401


def test_a_session_ends_when_its_reader_leaves_or_in_time(anna, queue, monkeypatch):
    kept = dict(anna.cookies)
    assert anna.submit("/leave", csrf="").status == 403
    assert anna.submit("/leave").headers["location"] == "enter"
    assert not any(name.endswith("reader") for name in anna.cookies)
    anna.cookies = dict(kept)
    assert anna.get("/api/progress").status == 401
    anna.app, running = create_app(queue), anna.app  # started again
    assert anna.get("/api/progress").status == 401
    anna.app = running
    anna.sign_in("anna")
    assert anna.get("/api/progress").status == 200
    later = time.time() + 12.1 * 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert anna.get("/api/progress").status == 401


def test_sessions_outlive_the_server_and_know_their_queue(anna, queue, tmp_path):
    question = asked(anna)[0]
    anna.app = create_app(type(queue)(tmp_path / "queue.sqlite"), refit_every=0)
    assert anna.post("/api/answers", an_answer(question)).status == 200
    anna.app = create_app(ecg_queue_at(tmp_path / "other.sqlite"))
    assert anna.post("/api/answers", an_answer(question)).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x-csrf-token": ""},
        {"x-csrf-token": "wrong"},
        {"x-csrf-token": None},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://127.0.0.1:8765.evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:8765"},
        {"host": ""},
        {"host": None},
    ],
)
def test_no_page_but_ours_can_answer(unanswered, headers):
    reply = unanswered.post("/api/answers", an_answer(1), headers)
    assert reply.status == 403 and reply.json()["what_to_do"]


def test_a_token_of_another_session_is_none(app, anna, queue):
    ben = Client(app)
    ben.sign_in("ben")
    assert anna.post("/api/answers", an_answer(1), {"x-csrf-token": ben.token}).status == 403
    assert ben.submit("/leave", csrf=anna.token).status == 403
    # Nor can a page of others sign somebody in: it has no cookie that its token belongs to.
    stranger = Client(app)
    assert stranger.submit("/enter", csrf=anna.token, reader="anna").status == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}, 403),
        (
            {
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "iframe",
            },
            403,
        ),
        (
            {
                "sec-fetch-site": "cross-site",
                "sec-fetch-mode": "navigate",
                "sec-fetch-dest": "document",
            },
            200,
        ),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": None}, 200),
        ({"host": "localhost:8765"}, 200),
        ({"host": "[::1]:8765"}, 200),
        ({"host": "LOCALHOST"}, 200),
        ({"host": "localhost.evil.example"}, 403),
        ({"host": "rebound.example:8765"}, 403),
        ({"host": "127.0.0.1:x"}, 403),
        ({"host": "192.0.2.1"}, 403),
        ({"x-forwarded-host": "127.0.0.1", "host": "evil.example"}, 403),
        ({"forwarded": "host=127.0.0.1", "host": "evil.example"}, 403),
    ],
)
def test_a_page_of_others_may_lead_here_but_not_read(unanswered, headers, status):
    assert unanswered.get("/desk", **headers).status == status


@pytest.mark.parametrize("server", ["192.0.2.7", "::ffff:192.0.2.7"])
def test_the_address_that_a_connection_came_to_is_a_name(queue, server):
    app = create_app(queue, hosts=["ecg.example:8443"])
    for site, status in (
        ("http://192.0.2.7", 200), ("https://ecg.example", 200), ("http://192.0.2.8", 403),
        ("http://127.0.0.1", 403),
    ):  # fmt: skip
        assert Client(app, site, server=server).get("/enter").status == status


def test_others_reach_no_desk_that_lets_anybody_in(app):
    with (
        socket.create_server(("0.0.0.0", 0)) as sock,
        pytest.raises(ValueError, match=r"listens on 0\.0\.0\.0.*with_tokens=True"),
    ):
        serve(app, sock)


BAD_ANSWERS = {
    "no JSON": b"answer=present",
    "half": b'{"key": ',
    "a list": b"[]",
    "nothing": b"",
    "bytes": b"\xff\xfe",
    "nested": b"[" * 50_000,
    "NaN": b'{"key": "%s", "question": 1, "answer": "present", "seconds": NaN}',
    "an unknown field": {"is_final": True},
    "no such answer": {"answer": "maybe"},
    "an answer of a list": {"answer": ["present"]},
    "a key that is none": {"key": "1"},
    "a key of a number": {"key": 7},
    "a question of text": {"question": "1"},
    "a question of a float": {"question": 1.0},
    "a question that is true": {"question": True},
    "question 0": {"question": 0},
    "a large question": {"question": 2**63},
    "no such question": {"question": 10_000},
    "a long note": {"note": "x" * 2001},
    "a note of a list": {"note": ["x"]},
    "a note that is none": {"note": None},
    "labels that are none": {"labels": None},
    "negative seconds": {"seconds": -1},
    "seconds of text": {"seconds": "3"},
    "a field twice": b'{"question": 1, "question": 2, "answer": "present", "key": "%s"}'
    % str(uuid.uuid4()).encode(),
    "infinite seconds": {"seconds": 1e999},
    "seconds beyond all floats": {"seconds": 10**400},
    "seconds that are true": {"seconds": True},
    "labels of text": {"answer": "absent", "labels": "AF"},
    "labels of numbers": {"answer": "absent", "labels": [1]},
    "an unknown label": {"answer": "absent", "labels": ["no such label"]},
    "other labels of a yes": {"answer": "present", "labels": ["AF"]},
}


@pytest.mark.parametrize("sent", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_is_none_is_refused_in_a_sentence(unanswered, sent):
    body = sent if isinstance(sent, bytes) else an_answer(1) | sent
    reply = unanswered.post("/api/answers", body)
    assert reply.status == 422, reply.text
    assert set(reply.json()) == {"error", "what_to_do"}
    assert reply.json()["error"].endswith(".")
    assert "Traceback" not in reply.text and "/" not in reply.json()["error"]


def test_a_record_may_have_many_labels_of_any_length(unanswered):
    names = [f"label {number} {'x' * 250}" for number in range(60)]
    reply = unanswered.post("/api/answers", an_answer(1, answer="absent", labels=names))
    assert reply.json()["error"].startswith("labels must be other labels of the queue")


def test_a_note_is_stored_without_what_a_paste_brings_along(anna, queue):
    note = "1st\x00\x02 line\n\tP \u2192 Q, ST\xa0\U0001f44d\u200d \ud83d"
    assert anna.post("/api/answers", an_answer(1, note=note)).status == 200
    assert queue.trail()["note"][0] == "1st line\n\tP \u2192 Q, ST\xa0\U0001f44d\u200d"


def test_a_body_is_json_and_short(unanswered):
    anna, question = unanswered, 1
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        reply = anna.post("/api/answers", an_answer(question), {"content-type": kind})
        assert reply.status == 415
    large = json.dumps(an_answer(question) | {"note": " " * 70_000}).encode()
    assert anna.post("/api/answers", large).status == 413
    # It may say otherwise, or nothing, of how long it is.
    for length in ("5", None):
        assert anna.post("/api/answers", large, {"content-length": length}).status == 413
    assert anna.post("/api/answers", an_answer(question), {"content-length": "-5"}).status == 413


@pytest.mark.parametrize(
    "query",
    ["n=0", "n=6", "n=-1", "n=x", "n=1&n=2", "n=٣", "holding=x", "holding=-1", "more=1",
     "holding=" + ",".join(map(str, range(1, 300))), "holding=" + "9" * 30],
)  # fmt: skip
def test_questions_are_asked_for_in_numbers(unanswered, query):
    assert unanswered.get(f"/api/questions?{query}").status == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/signals/0", "/api/signals/x", "/api/signals/-1", "/api/signals/1e3",
        "/api/signals/99999", "/api/signals/99999999999999999999999", "/api/waves/99999",
        "/api/signals/../1", "/api/signals/1/", "/api/", "/api/answers",
        "/static/../_app.py", "/static/..%2f_app.py", "/static/%2e%2e/_app.py", "/static/",
        "/static//etc/passwd", "/static/_app.py", "/static/enter.js%00", "/languages/en.json",
        "/templates/desk.html", "/.git/config", "/queue.sqlite",
    ],
)  # fmt: skip
def test_no_address_leads_to_a_file_or_a_stack_trace(unanswered, path):
    reply = unanswered.get(path)
    assert reply.status in (404, 405, 422)
    assert set(reply.json()) == {"error", "what_to_do"}


def test_a_long_address_is_refused(unanswered):
    assert unanswered.get("/api/questions?holding=" + "1," * 3000).status == 414


def test_with_tokens_each_reader_needs_his_own(queue):
    app = create_app(queue, readers=["anna", "ben"], with_tokens=True)
    token_of = app.state.sessions.token_of
    assert Client(app).sign_in("anna", token_of("anna")).status == 303
    for name, token in (
        ("anna", token_of("ben")), ("anna", token_of("anna")[:-1]), ("anna", ""), ("anna", None),
        ("Anna", token_of("anna")), ("carl", token_of("carl")), ("ben", "é"),
    ):  # fmt: skip
        client = Client(app)
        reply = client.sign_in(name, token)
        assert reply.status == 403
        assert client.get("/api/progress").status == 401
        assert "No reader of this desk has this name and token." in reply.text


def test_tokens_cannot_be_tried_for_long_and_do_not_lock_others_out(queue):
    app = create_app(queue, readers=["anna"], with_tokens=True)
    replies = [Client(app).sign_in("anna", "x" * 43).status for _ in range(20)]
    assert replies == [403] * 10 + [429] * 10
    # Who shares the address, such as that of a hospital, still comes in.
    token = app.state.sessions.token_of("anna")
    assert Client(app).sign_in("anna", token).status == 303
    assert Client(app, address="198.51.100.7").sign_in("anna", "x").status == 403


def test_where_nobody_may_read_nobody_comes_in(queue):
    assert Client(create_app(queue, readers=[])).sign_in("anna").status == 403


def test_without_tokens_only_those_named_may_read(queue):
    app = create_app(queue, readers=["Anna", "ben"])
    client = Client(app)
    assert client.sign_in("carl").status == 403
    # Anna is one reader, however she writes herself: she must not read a double twice.
    assert client.sign_in("anna").status == 303
    assert 'name="signed-in" content="Anna"' in client.get("/desk").text


def test_a_reader_stays_the_same_however_the_name_is_written(app, queue):
    queue.answer(1, "Anna Ek", "present")
    client = Client(app)
    client.sign_in("anna ek")
    assert 'name="signed-in" content="Anna Ek"' in client.get("/desk").text


@pytest.mark.parametrize("name", ["", "   ", "a" * 61, "a\x00b", "a\u202eb", "\ud83d", "a\x1b[2J"])
def test_a_name_can_be_printed(app, queue, name):
    client = Client(app)
    client.get("/enter")
    body = f"csrf={client.token}&reader=".encode() + name.encode("utf-8", "surrogatepass")
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.send("POST", "/enter", body, kind).status in (403, 422)
    with pytest.raises(ValueError, match="name of a reader must be 1 to 60 characters"):
        create_app(queue, readers=[name])


def test_what_a_reader_writes_is_text_in_every_page(app):
    client = Client(app)
    name = "<script>alert(1)</script>"
    assert client.sign_in(name).status == 303
    for path in ("/desk", "/overview"):
        assert "<script>alert" not in client.get(path).text


def test_fifty_readers_of_one_address_are_never_too_fast(app):
    clients = [Client(app) for _ in range(50)]
    for number, client in enumerate(clients):
        assert client.sign_in(f"reader {number}").status == 303
    assert {client.get("/api/progress").status for _ in range(4) for client in clients} == {200}


def test_a_flood_is_told_to_wait(queue, monkeypatch):
    rate = {"per_second": 0.01, "at_once": 8}
    monkeypatch.setattr("sklearn_ecg.review.desk._guard._PER_SESSION", rate)
    monkeypatch.setattr("sklearn_ecg.review.desk._guard._TOO_MANY_S", 0)
    client = Client(create_app(queue))
    client.sign_in("anna")
    for path in ("/api/progress", "/desk"):
        replies = [client.get(path) for _ in range(10)]
        assert replies[-1].status == 429 and 0 < int(replies[-1].headers["retry-after"]) <= 100
        assert replies[-1].json()["what_to_do"]


def test_a_flood_of_strangers_keeps_no_reader_of_their_address_out(queue, monkeypatch):
    rate = {"per_second": 0.01, "at_once": 8}
    monkeypatch.setattr("sklearn_ecg.review.desk._guard._PER_NETWORK", rate)
    monkeypatch.setattr("sklearn_ecg.review.desk._guard._TOO_MANY_S", 0)
    anna = Client(create_app(queue))
    anna.sign_in("anna")
    statuses = [Client(anna.app).get(path).status for path in ("/enter", "/api/progress") * 5]
    assert statuses[-1] == 429
    assert anna.get("/api/progress").status == 200


def test_what_a_reader_can_be_told_is_there_in_each_language():
    words = read_words()
    assert list(words) == ["de", "en", "zh"]
    told = {said for said, _ in _CAUSES.values()}
    assert told < set(words["de"]["server"]) == set(words["zh"]["server"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"language": "fr"}, "language"),
        ({"refit_every": -1}, "refit_every must be a whole number"),
        ({"refit_every": 2.5}, "refit_every must be a whole number"),
        ({"readers": ["anna", ""]}, "name of a reader"),
    ],
)
def test_a_wrong_parameter_is_named(queue, parameters, message):
    with pytest.raises(ValueError, match=message):
        create_app(queue, **parameters)
