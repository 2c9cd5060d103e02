"""The page in a real browser, opened from disk: it plays, sorts and filters, by mouse and keyboard, without errors."""

import pytest

TABLE = "document.querySelector('.block:not([hidden]) table')"
SORTED = f"""(column) => {{
  const rows = Array.from({TABLE}.tBodies[0].rows, (row) => row.cells[column].dataset.value);
  const numbers = rows.filter((value) => value !== '').map(Number);
  const up = numbers.every((x, i) => !i || numbers[i - 1] <= x);
  const down = numbers.every((x, i) => !i || numbers[i - 1] >= x);
  const last = rows.slice(numbers.length).every((value) => value === '');
  const order = {TABLE}.tHead.rows[0].cells[column].getAttribute('aria-sort');
  return [order, up, down, last, numbers.length];
}}"""


@pytest.fixture(params=["folder", "single"])
def opened(request, chromium):
    """The browser with the page in it; afterwards there must have been no error and no request to the network."""
    chromium.problems.clear()
    chromium.open(request.getfixturevalue({"folder": "page"}.get(request.param, "single")).path.as_uri())
    yield chromium
    assert chromium.run("1 + 1") == 2 and not chromium.problems


def test_players_have_a_duration(opened):
    """All of one recording, by their own metadata; the others are not read before they are looked at."""
    found = opened.run("""Promise.all(Array.from(document.querySelectorAll('details[open] audio'), (audio) => {
        audio.preload = 'metadata';
        return audio.readyState ? audio.duration : new Promise((done) => {
            audio.addEventListener('loadedmetadata', () => done(audio.duration));
            audio.addEventListener('error', () => done(-1));
        });
    }))""")
    assert len(found) == 30 and all(abs(seconds - 0.4) < 0.01 for seconds in found)
    assert opened.run("document.querySelector('details:not([open]) audio').readyState") == 0
    sizes = opened.run("""Promise.all(Array.from(document.querySelectorAll('details[open] img'), (image) => {
        image.loading = 'eager';
        return image.decode().then(() => image.naturalWidth + 'x' + image.naturalHeight);
    }))""")
    assert set(sizes) == {"25x128"}


def test_media_are_loaded_while_their_players_are_in_view(opened):
    """Players that scroll out of view unused release their file, and load it again."""
    script = """(async () => {
        const audio = document.querySelector('details[open] audio'), states = [];
        for (const [place, wanted] of [[audio, true], [document.body, false], [audio, true]]) {
            place.scrollIntoView({behavior: 'instant'});
            const wait = () => new Promise((done) => setTimeout(done, 20));
            for (let i = 0; i < 200 && audio.readyState > 0 !== wanted; i++) await wait();
            states.push([audio.readyState > 0, audio.error]);
        }
        return states;
    })()"""
    assert opened.run(script) == [[True, None], [False, None], [True, None]]


def test_one_player_plays_at_a_time_from_the_same_moment(opened):
    """The second one goes on where the first was; with the box unticked it starts at its beginning."""
    script = """(async () => {
        const [a, b, c] = document.querySelectorAll('details[open] audio');
        const starts = (audio) => new Promise((done) =>
            audio.addEventListener('play', () => setTimeout(done, 0), {once: true}));
        for (const audio of [a, b, c]) { audio.loop = true; audio.preload = 'auto'; audio.playbackRate = 0.1; }
        let started = starts(a); a.play().catch(() => {}); await started; a.currentTime = 0.2;
        started = starts(b); b.play().catch(() => {}); await started;
        const first = [a.paused, b.paused, b.currentTime >= 0.19, b.closest('figure').classList.contains('playing')];
        document.getElementById('together').click();
        started = starts(c); c.play().catch(() => {}); await started;
        const second = [b.paused, c.paused, c.currentTime < 0.19, a.closest('figure').classList.contains('playing')];
        c.pause();
        return [first, second];
    })()"""
    assert opened.run(script) == [[True, False, True, True], [True, False, True, False]]


def test_a_click_into_a_spectrogram_plays_from_there(opened):
    """Three quarters across is 0.3 s."""
    script = """(async () => {
        const view = document.querySelector('details[open] .view'), audio = view.parentElement.querySelector('audio');
        const started = new Promise((done) => audio.addEventListener('playing', done, {once: true}));
        const box = view.getBoundingClientRect();
        view.dispatchEvent(new MouseEvent('click', {clientX: box.left + 0.75 * box.width, clientY: box.top + 5}));
        await started;
        await new Promise(requestAnimationFrame);
        const found = [audio.currentTime, parseFloat(view.querySelector('.playhead').style.left)];
        audio.pause();
        return found;
    })()"""
    seconds, percent = opened.run(script)
    assert 0.29 < seconds < 0.4 and 70 < percent <= 100


def test_tables_sort_by_click_and_by_keyboard(opened):
    """Best first, then turned round; what has no figure stays last; names as text."""
    heading = f"{TABLE}.tHead.rows[0].cells"
    opened.run(f"{heading}[2].querySelector('button').click()")
    order, _, down, last, count = opened.run(f"({SORTED})(2)")
    assert (order, down, last, count) == ("descending", True, True, 10)
    opened.run(f"{heading}[2].querySelector('button').focus()")
    opened.press("Enter", 13)
    order, up, _, last, _ = opened.run(f"({SORTED})(2)")
    assert (order, up, last) == ("ascending", True, True)
    opened.press("Tab", 9)
    opened.press("Tab", 9)
    opened.press("Enter", 13)
    order, up, _, _, _ = opened.run(f"({SORTED})(4)")
    assert (order, up) == ("ascending", True)
    assert opened.run(f"({SORTED})(2)")[0] == "none"
    opened.run(f"{heading}[1].querySelector('button').click()")
    order, up, _, last, count = opened.run(f"({SORTED})(1)")
    assert (order, up, last, count) == ("ascending", True, True, 8)
    opened.run(f"{heading}[0].querySelector('button').click()")
    names = opened.run(f"Array.from({TABLE}.tBodies[0].rows, (row) => row.cells[0].textContent)")
    assert names.index("encodec 1.5") < names.index("encodec 6") < names.index("ours 1+1") < names.index("ours 8+8")


def test_conditions_are_chosen_by_keyboard(opened):
    """It begins at 0 dB; an arrow goes on to the next one, and only its parts can be seen."""
    parts = "Array.from(document.querySelectorAll('[data-condition]:not([hidden])'), (part) => part.dataset.condition)"
    shown = f"Array.from(new Set({parts}))"
    assert opened.run(shown) == ["0"]
    opened.run("document.querySelector('#filter input:checked').focus()")
    opened.press("ArrowRight", 39)
    assert (
        opened.run(shown) == ["10"]
        and opened.run("document.querySelectorAll('details[open]:not([hidden])').length") == 1
    )
    opened.run("document.querySelector('#filter [data-all]').click()")
    assert opened.run(shown) == ["-5", "0", "10", "clean", "background"]


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_scrolls_tables_and_not_the_page(chromium, page, dark):
    """The page is as wide as the screen, a table is not; text and background differ in light and dark."""
    chromium.open(page.path.as_uri(), width=360, height=740, dark=dark)
    chromium.run("document.querySelector('#filter [data-all]').click()")
    assert chromium.run("document.documentElement.scrollWidth") == 360
    assert chromium.run(f"{TABLE}.parentElement.scrollWidth > {TABLE}.parentElement.clientWidth")
    assert chromium.run(
        "Array.from(document.querySelectorAll('figure')).every((f) => f.getBoundingClientRect().right <= 360)"
    )
    colors = chromium.run("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    light = [sum(map(int, color[4:-1].split(","))) > 380 for color in colors]
    assert light == ([False, True] if dark else [True, False])
    assert not chromium.problems


EXAMPLES = "[...document.querySelectorAll('section[id^=examples] details.example[open] audio')]"


def test_examples_play_in_a_page_of_their_own_conditions(chromium, page_with_examples):
    """Each has a duration and an image; selecting a condition neither hides nor opens them."""
    chromium.problems.clear()
    chromium.open(page_with_examples.path.as_uri())
    found = chromium.run(f"""Promise.all({EXAMPLES}.map((audio) => {{
        audio.preload = 'metadata';
        return audio.readyState ? audio.duration : new Promise((done) => {{
            audio.addEventListener('loadedmetadata', () => done(audio.duration));
            audio.addEventListener('error', () => done(-1));
        }});
    }}))""")
    assert [round(seconds, 1) for seconds in found] == [0.4, 0.4, 0.9] * 2
    sizes = chromium.run("""Promise.all([...document.querySelectorAll('details.example[open] img')].map((image) => {
        image.loading = 'eager';
        return image.decode().then(() => image.naturalWidth + 'x' + image.naturalHeight);
    }))""")
    assert sizes == ["25x128", "25x128", "57x128"] * 2
    chromium.run("document.querySelector('#filter input[value=clean]').click()")
    assert chromium.run("document.querySelectorAll('details.example:not([hidden])').length") == 4
    assert chromium.run("document.querySelectorAll('details.recording:not(.example)[open]:not([hidden])').length") == 1
    assert not chromium.problems


def test_examples_of_one_duration_continue_at_the_same_moment(chromium, page_with_examples):
    """The conversion continues where its source was, the reference starts at 0; a key opens the second example."""
    chromium.problems.clear()
    chromium.open(page_with_examples.path.as_uri())
    script = f"""(async () => {{
        const [a, b, c] = {EXAMPLES};
        const starts = (audio) => new Promise((go) =>
            audio.addEventListener('play', () => setTimeout(go, 0), {{once: true}}));
        for (const audio of [a, b, c]) {{ audio.loop = true; audio.preload = 'auto'; audio.playbackRate = 0.1; }}
        let started = starts(a); a.play().catch(() => {{}}); await started; a.currentTime = 0.2;
        started = starts(b); b.play().catch(() => {{}}); await started;
        const first = [a.paused, b.paused, b.currentTime >= 0.19, b.closest('figure').classList.contains('playing')];
        started = starts(c); c.play().catch(() => {{}}); await started;
        const second = [b.paused, c.paused, c.currentTime < 0.19];
        c.pause();
        return [first, second];
    }})()"""
    assert chromium.run(script) == [[True, False, True, True], [True, False, True]]
    chromium.run("document.querySelector('details.example:not([open]) summary').focus()")
    chromium.press("Enter", 13)
    assert chromium.run("document.querySelectorAll('section#examples-0 details[open]').length") == 2
    assert not chromium.problems


@pytest.mark.parametrize("dark", [False, True])
def test_examples_on_a_phone_stand_below_each_other(chromium, page_with_examples, dark):
    """The page stays as wide as the screen; on a wide one the three stand side by side, their players on one line."""
    places = f"{EXAMPLES}.slice(0, 3).map((audio) => audio.getBoundingClientRect())"
    chromium.open(page_with_examples.path.as_uri(), width=360, height=740, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") == 360
    assert chromium.run(f"new Set({places}.map((box) => Math.round(box.left))).size") == 1
    chromium.open(page_with_examples.path.as_uri(), dark=dark)
    assert chromium.run(f"new Set({places}.map((box) => Math.round(box.left))).size") == 3
    assert chromium.run(f"new Set({places}.map((box) => Math.round(box.top))).size") == 1
    assert not chromium.problems
