"""Contents of scenes as slides are given them, written by hand for the small world."""

from __future__ import annotations

from typing import Any

from geodata.edition import Edition

Json = dict[str, Any]


def region(edition: Edition, code: str | None = None) -> Json:
    """A region as contents name it."""
    one = edition.region(code) if code else edition.root
    return {
        "code": one.code,
        "name": one.name if code else "全市",
        "level": one.level,
        "position": one.position,
        "bounds": list(one.bounds),
    }


def progress(edition: Edition) -> Json:
    """Figures, a ranking with a target and a region without data, a series with a gap."""
    children = edition.children(edition.root.code)
    months = ["2021-07", "2021-08", "2021-09", "2021-10", "2021-11", "2021-12"]
    return {
        "id": "progress",
        "kind": "progress",
        "title": "收入进展",
        "dwell": 20,
        "sentence": "全市 9 个扶持村中 5 个达到 20 万元，比计划慢 2 个月",
        "detail": ["按月报计算。", "有 1 个区没有上报。"],
        "query": "round=r3&measure=income_met",
        "region": region(edition),
        "marked": [
            {
                "code": children[0].code,
                "name": children[0].name,
                "level": children[0].level,
                "position": 0,
                "lon": children[0].lon,
                "lat": children[0].lat,
                "rank": 1,
            }
        ],
        "figures": [
            {"label": "扶持村", "value": 9, "text": "9", "unit": "个", "note": ""},
            {"label": "达标", "value": 55.6, "text": "55.6", "unit": "%", "note": "测算"},
        ],
        "ranking": {
            "title": "各区达标比例",
            "unit": "%",
            "digits": 1,
            "level_label": "区",
            "target": 80.0,
            "target_label": "年底目标",
            "rows": [
                {
                    "code": one.code,
                    "name": one.name,
                    "position": one.position,
                    "rank": at + 1,
                    "value": value,
                    "text": "—" if value is None else f"{value}%",
                    "share": (value or 0) / 100,
                    "change": None,
                    "change_text": "",
                    "note": "",
                    "flag": "",
                }
                for at, (one, value) in enumerate(zip(children, (66.7, 33.3, None), strict=True))
            ],
        },
        "series": {
            "title": "达标比例",
            "unit": "%",
            "digits": 1,
            "periods": [{"id": one, "label": f"2021年{int(one[-2:])}月"} for one in months],
            "value": [11.1, 22.2, None, 33.3, 44.4, 55.6],
            "partial": [False, False, False, True, False, False],
            "plan": [
                {
                    "period": "2022-03",
                    "label": "达标过八成",
                    "value": 80.0,
                    "index": 8.0,
                    "text": "80%",
                    "standing": "due",
                    "sentence": "",
                }
            ],
            "plan_line": [11.1, 19.7, 28.3, 36.9, 45.5, 54.2],
            "max": 80.0,
            "min": 0.0,
        },
        "multiples": None,
        "standings": None,
        "table": None,
    }


def gaps(edition: Edition) -> Json:
    """Small multiples, one of them without data."""
    plain = progress(edition)
    return {
        **plain,
        "id": "gaps",
        "kind": "gaps",
        "title": "缺口",
        "sentence": "缺得最多的是村内道路",
        "detail": [],
        "query": "round=r3&measure=gap_items",
        "figures": [],
        "marked": [],
        "ranking": None,
        "series": None,
        "multiples": [
            {
                "measure": f"lacks_{at}",
                "label": label,
                "value": value,
                "text": "—" if value is None else f"{value}%",
                "count_text": "" if value is None else f"{at + 3} 个村",
                "image": "",
                "query": "",
            }
            for at, (label, value) in enumerate((("道路", 33.3), ("饮水", None), ("供电", 0.0)))
        ],
    }


def standings(edition: Edition) -> Json:
    """A closing scene: a table."""
    plain = progress(edition)
    return {
        **plain,
        "id": "standings",
        "kind": "standings",
        "title": "谁在前，谁停住了",
        "sentence": "东岭区离目标最近，中洲区两个月没有变化",
        "detail": [],
        "figures": [],
        "marked": [],
        "ranking": None,
        "series": None,
        "table": {
            "caption": "离年底目标",
            "columns": [
                {"label": "区", "align": "left"},
                {"label": "现在", "align": "right"},
                {"label": "还差", "align": "right"},
            ],
            "rows": [["东岭区", "66.7%", "13.3 个百分点"], ["中洲区", "33.3%", "46.7 个百分点"]],
        },
    }


def of_region(edition: Edition, name: str | None = None) -> Json:
    """A district, drawn with its towns; `name` in place of every name in it."""
    one = edition.children(edition.root.code)[0]
    plain = progress(edition)
    said = name or one.name
    rows = [{**row, "name": name or row["name"]} for row in plain["ranking"]["rows"]]
    return {
        **plain,
        "id": f"region-{one.code}",
        "kind": "region",
        "title": said,
        "sentence": f"{said} 3 个扶持村中 2 个达到 20 万元",
        "query": f"round=r3&measure=income_met&region={one.code}",
        "region": {**region(edition, one.code), "name": said},
        "marked": [],
        "ranking": {**plain["ranking"], "rows": rows, "target": None},
    }


def everything(edition: Edition) -> list[Json]:
    """One scene of each kind."""
    return [progress(edition), gaps(edition), of_region(edition), standings(edition)]
