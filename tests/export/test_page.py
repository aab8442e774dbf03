"""The exported page in a real browser: it writes, stops, branches and shades, on any screen, for any run."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from exported import make_run
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from safetensors.numpy import load_file, save_file
from support import few, run_textgen

import textgen
from textgen.config import SampleConfig
from textgen.export.page import page
from textgen.inference.score import character_scores
from textgen.runs.run import Run

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
EVIL = "</script><img src=x onerror=alert(1)>{{weights}}\"'&"
MOST_WAITED = 120_000
"""Milliseconds: a busy machine is slow."""
CARET = """([from, to]) => {
  const walker = document.createTreeWalker(document.getElementById("text"), NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let start = 0;
  for (let node; (node = walker.nextNode()); start += node.length) {
    if (from >= start && from <= start + node.length) range.setStart(node, from - start);
    if (to >= start && to <= start + node.length) { range.setEnd(node, to - start); break; }
  }
  document.getElementById("text").focus();
  document.getSelection().removeAllRanges();
  document.getSelection().addRange(range);
}"""


@pytest.fixture
def exported(tmp_path):
    """Writes the page of a run."""

    def export(run, precision="float16"):
        path = tmp_path / f"{precision}.html"
        path.write_bytes(page(run, "best", precision))
        return path

    return export


def write(page, seed_text="the ", **fields) -> str:
    """Fill in the form, write, wait for the end, and return the text."""
    page.get_by_label("Text to continue").fill(seed_text)
    unfold(page)
    for name, value in fields.items():
        page.fill(f"#{name.replace('_', '-')}", str(value))
    page.get_by_role("button", name="Write", exact=True).click()
    return finished(page)


def unfold(page) -> None:
    """Open everything that can be opened."""
    page.evaluate("document.querySelectorAll('details').forEach((element) => { element.open = true; })")


def finished(page) -> str:
    """Wait until nothing is being written; the text."""
    expect(page.locator("#write")).to_have_text("Write", timeout=MOST_WAITED)
    expect(page.get_by_role("status")).to_contain_text("bits", timeout=MOST_WAITED)
    return page.text_content("#text")


def test_it_writes_what_its_command_writes(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    fields = {"length": 300, "rng_seed": 2**63 - 1, "top_k": 9, "top_p": 0.95, "min_p": 0.001, "temperature": 1.5}
    text = write(shown, "it's the ".replace("'", ""), **fields)
    command = shown.text_content("#command").split(" ")
    assert command[0] == "textgen" and "--precision float16" in shown.text_content("#command")
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in fields.items()]
    done = run_textgen("sample", network_run, "-s", "its the ", "--precision", "float16", *arguments)
    assert done.stdout.removesuffix("\n") == text.removesuffix("\n") and len(text) == 308
    assert re.search(r"^300 characters, \d\.\d{3} bits per character", shown.text_content("#status"))


def test_a_text_is_read_as_the_corpus_was_made(exported, open_page, tmp_path):
    run = make_run(tmp_path / "run", "\n abcdefghijklmnopqrstuvwxyzé")
    shown = open_page(exported(run))
    texts = [write(shown, seed, length=40, rng_seed=1) for seed in ("café ", "cafe\u0301 ")]
    assert texts[0] == texts[1] and texts[0].startswith("café ")


@pytest.mark.thorough
def test_without_a_seed_it_writes_something_new_and_tells_the_seed(network_run, exported, open_page):
    shown = open_page(exported(network_run, "float32"))
    texts = [write(shown, temperature=2, length=120) for _ in range(2)]
    assert texts[0] != texts[1]
    seed = re.search(r"--rng-seed (\d+)$", shown.text_content("#command"))[1]
    model = textgen.load(network_run)
    assert model.generate("the ", temperature=2.0, length=120, rng_seed=int(seed)) == texts[1]


def test_it_stops_and_control_enter_and_escape_do_the_same(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    shown.fill("#length", "100000")
    shown.focus("#seed-text")
    for stop in (lambda: shown.get_by_role("button", name="Stop").click(), lambda: shown.keyboard.press("Escape")):
        shown.keyboard.press("Control+Enter")
        expect(shown.locator("#text")).to_have_text(re.compile(".{50}", re.S), timeout=MOST_WAITED)
        stop()
        expect(shown.get_by_role("status")).to_have_text(re.compile("^Stopped"), timeout=MOST_WAITED)
        assert 50 < len(shown.text_content("#text")) < 100_000
        shown.focus("#seed-text")


@pytest.mark.thorough
def test_a_way_leaves_the_text_at_the_cursor_and_the_old_ones_stay(network_run, exported, open_page):
    shown = open_page(exported(network_run, "float32"))
    first = write(shown, rng_seed=5, length=80, temperature=2)
    shown.evaluate(CARET, [30, 33])
    assert "Write on after" in shown.text_content("#branch")
    shown.click("#branch")
    second = finished(shown)
    model = textgen.load(network_run)
    assert second == model.generate(first[:30], rng_seed=5, length=80, temperature=2.0)
    shown.evaluate(CARET, [30, 30])
    shown.keyboard.press("Control+Enter")
    third = finished(shown)
    again = "".join(model.stream(first[:30], SampleConfig(rng_seed=5, length=80, temperature=2.0), index=1))
    assert third == again != second and "-n 2" in shown.text_content("#command")
    shown.click("#back")
    assert shown.text_content("#text") == second
    shown.click("#back")
    assert shown.text_content("#text") == first and shown.is_disabled("#back")
    shown.click("#forward")
    assert shown.text_content("#text") == second
    ways = shown.locator("#ways button")
    assert ways.count() == 3 and shown.locator("#ways > li > ol > li").count() == 2
    ways.nth(2).click()
    assert shown.text_content("#text") == third and shown.locator("#ways [aria-current]").count() == 1


@pytest.mark.thorough
def test_the_keyboard_alone_places_the_cursor_and_cannot_change_the_text(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    text = write(shown, length=60, rng_seed=1)
    shown.focus("#text")
    shown.keyboard.press("Control+Home")
    for _ in range(10):
        shown.keyboard.press("ArrowRight")
    shown.keyboard.type("x")
    shown.keyboard.press("Backspace")
    shown.keyboard.press("Enter")
    assert shown.text_content("#text") == text
    shown.keyboard.press("Control+Enter")
    assert finished(shown)[:10] == text[:10]


@pytest.mark.parametrize("trained", few(["network_run", "run_path"]))
def test_the_shades_are_those_of_textgen_surprise(trained, request, exported, open_page, tmp_path):
    trained = request.getfixturevalue(trained)
    text = "the quick dog\njumps over a lazy fox.\n"
    done = run_textgen("surprise", trained, "-", "--out", tmp_path / "s.html", input=text)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "s.html").read_text()
    expected = re.findall(r'<b class="(s\d)" title="([\d.]+) bits; likeliest: ([^"]*)"', report)
    shown = open_page(exported(trained, "float32"))
    shown.fill("#seed-text", text)
    shown.click("#read")
    assert finished(shown) == text
    characters = shown.locator("#text b")
    assert [b.get_attribute("class") for b in characters.all()] == [level for level, _, _ in expected]
    characters.nth(16).hover()
    assert f"{expected[16][1]} bits; likeliest: {expected[16][2]}" in shown.text_content("#readout")
    shown.uncheck("#shading")
    assert shown.locator("#text b").count() == 0 and shown.text_content("#text") == text
    rules = shown.evaluate("[...document.styleSheets[0].cssRules].map((rule) => rule.cssText).join('')")
    assert all(re.search(rf"b\.s{i} ", rules) and f"b.s{i} " in report for i in range(9))


@pytest.mark.thorough
def test_a_phone_needs_no_sideways_scrolling_and_a_tap_tells_the_bits(network_run, exported, open_page):
    shown = open_page(exported(network_run), **PHONE)
    shown.check("#shading")
    write(shown, length=300)
    unfold(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    shown.locator("#text b").nth(40).tap()
    assert "likeliest" in shown.text_content("#readout")


@pytest.mark.thorough
def test_it_follows_the_readers_colours_and_motion(network_run, exported, open_page):
    path = exported(network_run)
    look = (
        "const s = (e, p) => getComputedStyle(document.querySelector(e), p); "
        "document.getElementById('text').classList.add('writing'); "
        "[s('body').backgroundColor, s('#text', '::after').animationName]"
    )
    bright = open_page(path, color_scheme="light", reduced_motion="no-preference").evaluate(look)
    dark = open_page(path, color_scheme="dark", reduced_motion="reduce").evaluate(look)
    assert bright == ["rgb(253, 253, 251)", "blink"] and dark == ["rgb(23, 24, 27)", "none"]


@pytest.mark.thorough
def test_everything_has_a_name_for_who_cannot_see_it(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    write(shown, length=20)
    unfold(shown)
    selector = "input, textarea, select, button, [role=textbox], [role=img]"
    elements = shown.locator(selector).locator("visible=true").all()
    assert len(elements) > 14
    for element in elements:
        assert re.match(r"""- '?\w+ "[^"]+""", element.aria_snapshot()), element.evaluate("e => e.outerHTML")
    assert shown.get_by_role("status").count() == 1 and shown.locator("html").get_attribute("lang") == "en"


def test_unknown_characters_are_named_with_a_choice(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    shown.fill("#length", "5")
    shown.fill("#seed-text", "thé d√g")
    shown.click("#write")
    assert "“é” (U+00E9), “√” (U+221A)" in shown.get_by_role("alert").inner_text()
    shown.get_by_role("button", name="Replace them").click()
    assert finished(shown).startswith("th  d g") and not shown.is_visible("#unknown")
    shown.fill("#seed-text", "thé d√g")
    shown.click("#write")
    shown.get_by_role("button", name="Skip them").click()
    expect(shown.locator("#text")).to_have_text(re.compile("^th dg"), timeout=MOST_WAITED)


@pytest.mark.thorough
def test_what_cannot_be_is_refused_before_anything_is_written(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    for field, value in {"top-p": "2", "min-p": "", "length": "-1", "rng-seed": "9223372036854775808"}.items():
        kept = shown.input_value(f"#{field}")
        shown.evaluate(
            "([id, value]) => { const e = document.getElementById(id); e.value = value; "
            "e.dispatchEvent(new Event('input')); }",
            [field, value],
        )
        shown.click("#write")
        assert shown.text_content("#status") == "Nothing is written yet." and shown.is_visible(f"#{field}")
        shown.evaluate(
            "([id, value]) => { const e = document.getElementById(id); e.value = value; "
            "e.dispatchEvent(new Event('input')); }",
            [field, kept],
        )
    write(shown, length=0)
    assert shown.text_content("#text") == "the "


def test_a_run_with_counts_writes_the_mixture_and_tells_both_validations(run_path, open_page, tmp_path):
    done = run_textgen("export", run_path, tmp_path / "page.html")
    assert re.fullmatch(r".*page.html: \d\.\d\d MB\n", done.stderr)
    shown = open_page(tmp_path / "page.html")
    text = write(shown, length=300, rng_seed=4, temperature=1.2)
    options = ["-s", "the ", "-l", "300", "-t", "1.2", "--rng-seed", "4", "--precision", "float16"]
    sampled = run_textgen("sample", run_path, *options).stdout
    assert sampled.removesuffix("\n") == text.removesuffix("\n")
    about = shown.locator("dl").text_content()
    assert re.search(r"Validation\d\.\d{3} bits per character; the network alone \d\.\d{3}", about)
    assert re.search(r"n-gram counts of order 5, [\d,]+ contexts", about)
    # ways are read again from states that were kept
    shown.evaluate(CARET, [60, 60])
    shown.click("#branch")
    way = finished(shown)
    model = textgen.load(run_path, precision="float16")
    assert way == model.generate(text[:60], rng_seed=4, length=300, temperature=1.2)


@pytest.mark.thorough
def test_the_memory_is_a_switch(run_path, exported, open_page):
    shown = open_page(exported(run_path, "float32"))
    model = textgen.load(run_path)
    seed_text = "the quelissa jumps\nthe quel"
    rules = {"length": 200, "rng_seed": 4, "temperature": 1.2}
    texts = {"seed": write(shown, seed_text, **rules)}
    assert "--memory" not in shown.text_content("#command") and not shown.is_visible("#fading")
    shown.get_by_label("Memory").select_option("of all, fading")
    texts["all"] = write(shown, seed_text, fading=300)
    assert " --memory 300 " in shown.text_content("#command")
    shown.check("#shading")
    scores = [*character_scores(model.remembering(300), iter([texts["all"]]))]
    characters = shown.locator("#text b")
    for index in (30, len(scores) - 1):
        characters.nth(index).hover()
        assert f"{scores[index].bits:.2f} bits; likeliest: " in shown.text_content("#readout")
    shown.uncheck("#shading")
    shown.get_by_label("Memory").select_option("none")
    texts["none"] = write(shown, seed_text)
    assert " --memory 0 " in shown.text_content("#command")
    for name, memory in {"seed": None, "all": 300, "none": 0}.items():
        assert texts[name] == model.generate(seed_text, memory=memory, **rules)
    assert len(set(texts.values())) == 3
    # all before the cursor is then text to continue
    shown.get_by_label("Memory").select_option("of the text to continue")
    shown.evaluate(CARET, [90, 90])
    shown.click("#branch")
    assert finished(shown) == model.generate(texts["none"][:90], **rules)


@pytest.mark.thorough
def test_a_memory_that_cannot_be_is_refused_and_one_that_is_not_asked_for_is_not(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    shown.select_option("#memory", "all")
    shown.fill("#fading", "20000")
    shown.click("#write")
    assert shown.text_content("#status") == "Nothing is written yet."
    described = shown.locator("#memory-hint")
    assert "shaded less" in described.inner_text()
    shown.select_option("#memory", "none")
    assert "shaded less" not in described.inner_text()
    assert len(write(shown, length=20)) == 24


@pytest.mark.thorough
def test_the_run_is_told_of_and_no_path_of_this_machine(network_run, exported, open_page):
    shown = open_page(exported(network_run))
    unfold(shown)
    about = shown.locator("dl").inner_text()
    assert all(
        fact in about for fact in ("fox, 2,700 characters", "lstm 1x24", "textgen train fox --out fox --units 24")
    )
    assert shown.get_by_role("img", name="Learning curve").is_visible()
    assert str(network_run.parent) not in exported(network_run).read_text()


@pytest.mark.thorough
def test_scripts_and_emoji_of_the_world_come_through(tmp_path, exported, open_page):
    run = make_run(tmp_path / "run", "\n我爱你مرحباשלום👩🏽‍🚀é\u0301 ", embedding_dim=3)
    shown = open_page(exported(run))
    text = write(shown, "我爱你\nمرحبا\n👩🏽‍🚀", length=400, rng_seed=1)
    done = run_textgen(
        "sample", run, "-s", "我爱你\nمرحبا\n👩🏽‍🚀", "-l", "400", "--rng-seed", "1", "--precision", "float16"
    )
    assert done.stdout.removesuffix("\n") == text.removesuffix("\n")
    # a place is counted in characters, not in their halves
    shown.evaluate(CARET, [15, 15])
    shown.click("#branch")
    assert finished(shown).startswith("我爱你\nمرحبا\n👩🏽")


@pytest.mark.thorough
def test_what_a_strangers_run_says_stays_text(tmp_path, exported, open_page):
    characters = [*dict.fromkeys("\n" + EVIL + "\x00\x1b\u2028\u202e\ufffe" + "\ufdd0")]
    run = make_run(tmp_path / "<b>run", characters, corpus=f"/data/{EVIL.replace('/', '')}")
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "textgen_version": EVIL}))
    shown = open_page(exported(run))
    assert shown.title() == "<b>run · textgen" and shown.locator("img").count() == 0
    write(shown, EVIL[:9], length=200, rng_seed=3)
    shown.check("#shading")
    assert shown.locator("img, #text script").count() == 0
    unfold(shown)
    assert "<img src=x onerror=alert(1)>{{weights}}" in shown.locator("dl").inner_text()


class Elements(HTMLParser):
    """The elements of a page, with what stands in each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names, self.text, self.current = [], {}, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.current = dict(attrs).get("id", tag)

    def handle_data(self, data):
        self.text[self.current] = self.text.get(self.current, "") + data


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory):
    """A run of six characters."""
    return make_run(tmp_path_factory.mktemp("plain") / "run", "\nabcde", units=2, embedding_dim=2)


odd = st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&\"'/!-{}\\\0\r\u2028\ufdd0")
names = st.lists(odd | st.sampled_from(["</script>", "<!--", "{{weights}}", "</dd>", "\\u003c"])).map("".join)


@pytest.mark.thorough
@settings(max_examples=60)
@given(characters=st.lists(odd.filter(lambda c: c != "\n"), min_size=5, max_size=5, unique=True), name=names)
def test_no_name_and_no_character_changes_the_page(plain_run, tmp_path_factory, characters, name):
    run = tmp_path_factory.mktemp("odd") / "run"
    shutil.copytree(plain_run, run)
    characters = ["\n", *characters]
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "corpus": name}))
    (run / "vocabulary.json").write_text(json.dumps({"format_version": 1, "characters": characters}))
    found, usual = (Elements(page(path, "best", "float16").decode()) for path in (run, plain_run))
    assert found.names == usual.names and json.loads(found.text["model"])["characters"] == characters
    assert found.text["weights"] == usual.text["weights"]


def test_weights_beyond_16_bits_are_refused_by_name(tmp_path):
    run = make_run(tmp_path / "run")
    path = Run(run).weights_path("best")
    weights = load_file(path)
    weights["dense/bias"][0] = 1e6
    save_file(weights, path)
    with pytest.raises(textgen.TextgenError, match="dense/bias holds values beyond float16"):
        page(run, "best", "float16")
    assert page(run, "best", "float32")
