"""The audit finds each planted mistake, and nothing on a good page."""

from __future__ import annotations

from pathlib import Path

import pytest

from layers.public import audit

ASSETS = Path(__file__).parents[2] / "assets"
GOOD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>甲村</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<link rel="canonical" href="https://example.gov.cn/a.html">
<script type="application/json" id="data">{}</script><script defer src="a.js"></script></head>
<body><a class="sk" href="#main">跳到正文</a><header><a href="b.html">首页</a></header>
<nav aria-label="当前位置"><ol><li><a href="b.html">全市</a><li>甲村</ol></nav>
<main id="main"><h1>甲村</h1><h2>第三轮</h2><h3>覆盖</h3><h2>第二轮</h2>
<svg role="img"><title>地图</title></svg><svg aria-hidden="true"></svg>
<img src="a.png" alt="照片"><label for="q">查找</label><input id="q"><button>打开</button>
<table><caption>指标</caption><tr><th scope="row">甲<td>1</table></main>
<nav aria-label="相邻"><a href="#main">回到正文</a></nav><footer>来源</footer></body></html>
"""

PLANTED = [
    ("<!doctype html>", "", "doctype"),
    (' lang="zh-CN"', "", "语言"),
    ('<meta charset="utf-8">', "", "字符编码"),
    ("<title>甲村</title>", "<title> </title>", "标题（title）"),
    ("width=device-width,initial-scale=1", "initial-scale=1", "viewport"),
    ("initial-scale=1", "initial-scale=1,user-scalable=no", "不许放大"),
    ("initial-scale=1", "initial-scale=1,maximum-scale=1", "不许放大"),
    ("<title>", '<meta http-equiv="refresh" content="5"><title>', "自己刷新"),
    ("<h1>甲村</h1>", "", "一级标题应有一个，有 0 个"),
    ("<h1>甲村</h1>", "<h1>甲村</h1><h1>乙村</h1>", "一级标题应有一个，有 2 个"),
    ("<h2>第三轮</h2>", "", "标题从 h1 跳到 h3"),
    ("<h3>覆盖</h3>", "<h3> </h3>", "空标题"),
    (' alt="照片"', "", "图片没有说明"),
    ('<svg role="img"><title>地图</title>', '<svg role="img">', "图形没有名称"),
    ('<svg role="img">', "<svg>", "图形没有名称"),
    ('<label for="q">查找</label>', "", "控件没有名称"),
    ("<button>打开", "<button>", "控件没有名称"),
    (' scope="row"', "", "表头没有 scope"),
    ("<caption>指标</caption>", "", "表格没有表题"),
    ('<th scope="row">甲', "<td>甲", "表格没有表头"),
    ('id="q"', 'id="main"', "编号重复"),
    ("<h2>第二轮</h2>", '<h2 aria-labelledby="nothing">第二轮</h2>', "不存在的编号"),
    ('<a href="b.html">首页</a>', '<a href="b.html"></a>', "链接没有文字"),
    ("首页</a>", "点击这里</a>", "看不出去处"),
    ('<a href="b.html">首页', "<a>首页", "链接没有去处"),
    ('href="#main">跳到正文', 'href="b.html">跳到正文', "跳到正文"),
    ("<main ", "<div ", "应有一个 main"),
    ("<footer>来源</footer>", "", "没有 footer"),
    ("<header>", "<div>", "没有 header"),
    (' aria-label="相邻"', "", "没有名称"),
    (' aria-label="相邻"', ' aria-label="当前位置"', "没有名称"),
    ("<footer>", '<iframe src="b.html"></iframe><footer>', "框没有标题"),
    ("<button>", '<button tabindex="3">', "tabindex"),
    ("<li>甲村", "<li>甲村<p>乙</ol><ol><p>丙", "不是条目"),
    ("<footer>", "<div><li>散</div><footer>", "不在列表里"),
    ("<footer>", '<video src="a.mp4" autoplay></video><footer>', "自己播放"),
    ("<footer>", "<script>1</script><footer>", "内嵌"),
    ("<footer>", '<p style="color:red">甲<footer>', "内嵌"),
    ("<button>", '<button onclick="x()">', "内嵌"),
    ('src="a.js"', 'src="https://cdn.example/a.js"', "外面"),
    ('src="a.png"', 'src="//cdn.example/a.png"', "外面"),
]


def test_nothing_is_wrong_with_a_good_page() -> None:
    assert audit.check(GOOD) == []
    assert audit.check(GOOD, "a.html") == []


@pytest.mark.parametrize(
    ("old", "new", "said"), PLANTED, ids=[one[2] + str(n) for n, one in enumerate(PLANTED)]
)
def test_a_planted_mistake_is_found(old: str, new: str, said: str) -> None:
    assert old in GOOD
    found = audit.check(GOOD.replace(old, new, 1), "r/a.html")
    assert any(said in one for one in found), found
    assert all(one.startswith("r/a.html") for one in found)


def test_links_of_a_site_must_lead_somewhere() -> None:
    page = GOOD
    pages = {"a.html": page, "b.html": page.replace('"b.html"', '"r/c.html#here"')}
    found = audit.site(pages, others=("a.js", "a.png"))
    assert len(found) == 1
    assert found[0].startswith("b.html")
    assert "r/c.html#here" in found[0]
    pages["r/c.html"] = page.replace('"b.html"', '"../b.html"').replace('"a.', '"../a.')
    found = audit.site(pages, others=("a.js", "a.png"))
    assert len(found) == 1
    assert "没有的段落" in found[0]
    pages["r/c.html"] = pages["r/c.html"].replace("<h3>", '<h3 id="here">')
    assert audit.site(pages, others=("a.js", "a.png")) == []


def test_a_mistake_on_every_page_is_counted_not_repeated() -> None:
    pages = {f"{n}.html": GOOD.replace("<h2>第三轮</h2>", "") for n in range(50)}
    pages |= {"b.html": GOOD}
    found = audit.site(pages, others=("a.js", "a.png"))
    assert len(found) == 21
    assert "30" in found[-1]


def test_the_tokens_have_enough_contrast_and_a_pale_one_is_found() -> None:
    css = (ASSETS / "tokens.css").read_text("utf-8")
    assert audit.contrast(css) == []
    assert audit.contrast(css.replace("--ink-2: #47525a", "--ink-2: #aab3ba"))
    assert audit.contrast(css.replace("--ink-2: #b9c3ca", "--ink-2: #5c666d"))
    assert any("accent" in one for one in audit.contrast(css.replace("--accent: #a3301c;", "")))


def test_contrast_is_the_standards() -> None:
    assert audit.ratio_of("#000000", "#ffffff") == pytest.approx(21)
    assert audit.ratio_of("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
