"""A real kernel: what a notebook shows, its Tab key and its stop button."""

import contextlib
import queue
import re

import pytest

manager = pytest.importorskip("jupyter_client.manager")
pytest.importorskip("ipykernel")
pytest.importorskip("pandas")
pytestmark = pytest.mark.long
SECONDS = 300
SMALL = "cell='rnn', units=16, recurrent_dropout=0.0, batch_size=4, seq_length=16"


class Kernel:
    """A kernel and what its cells show."""

    def __init__(self, folder):
        self.manager, self.client = manager.start_new_kernel(cwd=str(folder))

    def run(self, code, stop_at=None):
        """Run a cell, and press the stop button once something shows what `stop_at` says.

        Returns the messages of its outputs, and the lines of its traceback.
        """
        ident, shown = self.client.execute(code), []
        while True:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != ident:
                continue
            shown.append(message)
            kind, content = message["msg_type"], message["content"]
            if stop_at and re.search(stop_at, str(content)):
                stop_at = self.manager.interrupt_kernel()
            if kind == "status" and content["execution_state"] == "idle":
                break
        with contextlib.suppress(queue.Empty):
            while self.client.get_shell_msg(timeout=SECONDS)["parent_header"]["msg_id"] != ident:
                pass
        return shown, next((m["content"]["traceback"] for m in shown if m["msg_type"] == "error"), [])

    def html(self, code):
        """The HTML that a cell shows last."""
        shown, error = self.run(code)
        assert not error, error
        return [m["content"]["data"]["text/html"] for m in shown if "text/html" in m["content"].get("data", {})][-1]

    def value(self, code):
        """What a cell shows in words."""
        shown, error = self.run(code)
        assert not error, error
        return next(m["content"]["data"]["text/plain"] for m in shown if m["msg_type"] == "execute_result")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "markup.txt").write_text("<script>alert(1)</script> the fox & the dog\n" * 200)
    kernel = Kernel(folder)
    kernel.run("import textgen\ncorpus = textgen.prepare('markup.txt', 'data')")
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def test_a_training_is_one_output_that_is_brought_up_to_date(kernel):
    shown, error = kernel.run(f"end = textgen.train(corpus, 'runs/one', steps=60, {SMALL})")
    assert not error
    pictures = [m for m in shown if "data" in m["content"]]
    first, *others = pictures
    assert first["msg_type"] == "display_data" and {m["msg_type"] for m in others} == {"update_display_data"}
    assert len({m["content"]["transient"]["display_id"] for m in pictures}) == 1
    last = others[-1]["content"]["data"]["text/html"]
    assert '<progress value="1.0000"' in last and "image/svg+xml" in last and "60 steps in" in last
    assert "<script" not in last and "textgen sample runs/one" in last
    assert not [m for m in shown if m["msg_type"] == "stream"]


def test_everything_shows_itself_and_no_text_is_markup(kernel):
    kernel.run("model = textgen.load('runs/one')")
    for code in ("corpus", "end", "model", "textgen.info('runs/one')", "model.surprise('<script>alert(1)</script>')"):
        shown = kernel.html(code)
        assert "<script" not in shown and shown.count("<div") == shown.count("</div>") == 1, code
    assert "&lt;script&gt;alert(1)" in kernel.html("corpus") and "8,800 characters" in kernel.value("corpus")
    assert "rnn 1x16" in kernel.value("model") and "60 steps" in kernel.value("end")
    columns = kernel.value("import pandas as pd\nlist(pd.DataFrame(end.history).columns)")
    assert "'step'" in columns and "'validation_bpc'" in columns
    assert kernel.value("pd.DataFrame(end.history).shape[1]") == "9"


def test_tab_knows_the_settings(kernel):
    for code, expected in (
        ("textgen.train(corpus, 'x', minu", "minutes="),
        ("model.generate('a', temp", "temperature="),
    ):
        matches = kernel.client.complete(code, reply=True, timeout=SECONDS)["content"]["matches"]
        assert expected in matches


def test_a_mistake_is_one_line(kernel):
    _, error = kernel.run("textgen.train(corpus, 'runs/two', minuets=1)")
    assert error == ["ConfigError: unknown setting 'minuets'; did you mean 'minutes'?"]


def test_the_stop_button_saves_and_the_kernel_lives(kernel):
    shown, error = kernel.run(f"textgen.train(corpus, 'runs/stopped', minutes=30, {SMALL})", stop_at=r"step \d+,")
    (message,) = error
    assert re.fullmatch(r"Stopped: stopped at step \d+; go on with: textgen.resume\('runs/stopped'\)", message)
    pictures = [m["content"]["data"]["text/plain"] for m in shown if "data" in m["content"]]
    assert pictures[-1] == message.removeprefix("Stopped: ")
    steps = int(re.search(r"step (\d+)", message)[1])
    assert kernel.value("textgen.resume('runs/stopped', steps=5).step") == str(steps + 5)
    assert kernel.value("1 + 1") == "2"
