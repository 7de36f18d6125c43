#!/usr/bin/env python3
"""Opens a report.html from disk in a headless browser and uses it as people do.

    pip install playwright            # and a Chromium of the system, or `playwright install chromium`
    npm pack axe-core                 # optional: --axe package/axe.min.js
    python3 scripts/page_check.py RUN/report.html --shots SHOTS [--axe axe.min.js] [--chromium /usr/bin/chromium]

Checked: no error on the console and no request that leaves the file; the slider, by keyboard, changes pictures and text; sorting; the
pictures behind a cell of the matrix; the map by pointer and by arrow keys; dark and light; no sideways scroll at 360 pixels; all text
without scripts; printing; size; with axe-core no finding that is serious or critical. Screenshots go to the folder --shots. Ends with 1
if anything failed.
"""

import argparse
import pathlib
import sys

from playwright.sync_api import sync_playwright

MOST = 5 * 1024 * 1024


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("page", type=pathlib.Path)
    options.add_argument("--shots", type=pathlib.Path, default=pathlib.Path("page-shots"))
    options.add_argument("--axe", type=pathlib.Path, help="axe.min.js of npm's axe-core")
    options.add_argument("--chromium", default="/usr/bin/chromium")
    options = options.parse_args()
    options.shots.mkdir(parents=True, exist_ok=True)
    address = options.page.resolve().as_uri()
    failures = []

    def check(what, holds, found=""):
        print(("ok   " if holds else "FAIL ") + what + (f": {found}" if found != "" else ""))
        if not holds:
            failures.append(what)

    size = options.page.stat().st_size
    check("at most 5 MiB", size <= MOST, f"{size / 2**20:.2f} MiB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])

        def opened(**how):
            context = browser.new_context(**how)
            page = context.new_page()
            page.problems, page.requests = [], []
            page.on("console", lambda said: page.problems.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: page.problems.append(str(error)))
            page.on("request", lambda request: page.requests.append(request.url))
            page.goto(address)
            page.wait_for_load_state("load")
            return page

        page = opened(viewport={"width": 1280, "height": 900}, color_scheme="light")
        lines = page.locator(".chart .line path").all()
        flat = [at for at, line in enumerate(lines) if line.bounding_box()["width"] < 1 and len(line.get_attribute("d").split("L")) > 1]
        check("lines of charts are drawn", lines and not flat, f"{len(lines)} lines")
        use(page, check)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=options.shots / "wide-light.png", full_page=True)
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)
        page.click("#theme")
        check("the button makes it dark", page.evaluate(background) != light, page.evaluate(background))
        page.screenshot(path=options.shots / "wide-dark.png", full_page=True)
        dark = opened(viewport={"width": 1280, "height": 900}, color_scheme="dark")
        check("it is dark where the system is", dark.evaluate(background) == page.evaluate(background))
        phone = opened(viewport={"width": 360, "height": 740}, color_scheme="light", has_touch=True, device_scale_factor=2)
        wide = phone.evaluate("document.documentElement.scrollWidth")
        check("no sideways scroll at 360 pixels", wide <= 360, wide)
        phone.screenshot(path=options.shots / "phone-light.png", full_page=True)
        plain = opened(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
        shown = plain.locator(".frame").count()
        visible = sum(plain.locator(".frame").nth(at).is_visible() for at in range(shown))
        check("all heat maps are there without scripts", visible == shown, f"{visible} of {shown}")
        check("no control is there without scripts", not plain.locator(".controls:visible").count())
        page.emulate_media(media="print")
        page.pdf(path=options.shots / "print.pdf", format="A4")
        page.set_viewport_size({"width": 794, "height": 1123})
        page.screenshot(path=options.shots / "print.png", full_page=True)
        check("controls are not printed", not page.locator("nav:visible, .controls:visible").count())
        page.emulate_media(media="screen")
        for name, one in [("wide", page), ("dark", dark), ("phone", phone)]:
            outside = [url for url in one.requests if not url.startswith("data:") and url != address]
            check(f"no request leaves it ({name})", not outside, ", ".join(outside[:3]))
            check(f"no error on the console ({name})", not one.problems, "; ".join(one.problems[:3]))
        if options.axe:
            for name, one in [("light", opened(viewport={"width": 1280, "height": 900}, color_scheme="light")), ("dark", dark), ("phone", phone)]:
                # By the debugger's way, since the page's policy lets no other script in.
                one.evaluate(options.axe.read_text() + ";0")
                found, passed = one.evaluate("axe.run().then(all => [all.violations.map(v => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]), all.passes.length])")
                grave = [finding for finding in found if finding[0] in ("serious", "critical")]
                check(f"axe finds nothing serious ({name})", not grave and passed > 20, grave or f"{passed} rules hold, lesser findings: {found}")
        browser.close()
    print(f"{len(failures)} failed" if failures else "all is well")
    return bool(failures)


def use(page, check):
    """Does what a reader does, mostly by keyboard."""
    state = "[document.querySelector('.frame.on')?.id, document.querySelector('#looked')?.textContent]"
    if page.locator("#epoch").count():
        slider = page.locator("#epoch")
        slider.focus()
        before = page.evaluate(state)
        page.keyboard.press("Home")
        first = page.evaluate(state)
        page.keyboard.press("ArrowRight")
        second = page.evaluate(state)
        check("the slider goes to the first epoch", first != before or before[0].endswith("-0"), first[1])
        check("the slider's arrow changes pictures and text", first[0] != second[0] and first[1] != second[1], second[1])
        page.keyboard.press("End")
        if page.locator("input[name=method]").count() > 1:
            page.locator("input[name=method]").first.focus()
            page.keyboard.press("ArrowRight")
            check("an arrow changes the method", page.evaluate(state)[0].startswith("maps-1-"), page.evaluate(state)[1])
    if page.locator("#classes table.sorted").count():
        cells = "[...document.querySelectorAll('#classes tbody tr')].map(row => +row.cells[3].dataset.v)"
        button = page.locator("#classes thead th:nth-child(4) button")
        button.focus()
        page.keyboard.press("Enter")
        rising = page.evaluate(cells)
        page.keyboard.press("Enter")
        falling = page.evaluate(cells)
        check("the table of classes is sorted both ways", rising == sorted(rising) and falling == sorted(rising, reverse=True))
    if page.locator(".matrix td.wrong a").count():
        page.locator(".matrix td.wrong a").first.focus()
        page.keyboard.press("Enter")
        check("Enter on a cell shows its pictures", page.locator(".panel:visible .t").count() > 0, page.locator(".panel:visible h3").inner_text())
    if page.locator("#points use").count():
        mark = page.locator("#points use").nth(min(7, page.locator("#points use").count() - 1))
        mark.scroll_into_view_if_needed()
        mark.dispatch_event("pointerover")
        check("the pointer shows a picture", page.locator("#tip").is_visible(), page.locator("#tip .text").inner_text())
        page.locator("#points").focus()
        page.keyboard.press("ArrowRight")
        check("an arrow goes to the next point and says it", page.locator("#told").inner_text() != "", page.locator("#told").inner_text())
        page.keyboard.press("Escape")
        if page.locator(".legend button").count() > 1:
            page.locator(".legend button").first.click()
            check("the legend picks a class", page.locator("#points use.dim").count() > 0)
            page.locator(".legend button").first.click()


if __name__ == "__main__":
    sys.exit(main())
