"""A visit is written down once, by who may, with what was seen, and can be taken back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from geodata.errors import BadRequest, UnknownName
from geodata.ledger import (
    Conflict,
    Forbidden,
    Refused,
    observations,
    photos,
    problems,
    tables,
    visits,
    written,
)
from tests.geodata.ledger.visiting import (
    ADMINISTRATOR,
    COLLEAGUE,
    MEMBER,
    OFFICE,
    OFFICER,
    OTHER,
    VIEWER,
    hold,
    kinds,
    office,
    photograph,
    small,
    turn,
    village,
    visit,
)

__all__ = ["office", "small"]


def told(ledger, edition, identifier, actor=MEMBER):
    return visits.one(ledger, edition, actor, identifier)


def test_a_visit_is_read_back_as_it_was_written(office, small):
    made = visit(
        office, small, members=[MEMBER.id, OTHER.id], people="村支书赵某", seen="道路 <b>平整</b>"
    )
    found = told(office, small, made["id"])
    assert found["village"] == village(small)
    assert found["seen"] == "道路 <b>平整</b>"
    assert found["members"] == [
        {"id": MEMBER.id, "label": "王成员"},
        {"id": OTHER.id, "label": "李成员"},
    ]
    assert found["sentence"] == "2021年12月18日，王成员、李成员、村支书赵某"
    assert found["author_label"] == "王成员"
    assert kinds(office) == ["visit.written"]


def test_the_member_who_writes_was_there_unless_others_are_named(office, small):
    assert told(office, small, visit(office, small)["id"])["members"][0]["id"] == MEMBER.id
    by_office = visit(office, small, OFFICE, people="两位同志")
    assert told(office, small, by_office["id"])["members"] == []
    with pytest.raises(Refused, match="谁去了"):
        visit(office, small, OFFICE)
    with pytest.raises(Refused, match="谁去了"):
        visit(office, small, members=[])


def test_a_village_that_is_nobodys_contact_point_may_be_visited_and_it_is_said(office, small):
    made = visit(office, small)
    assert made["own"] is False
    assert "不是您的联系点，走访照常记下" in made["sentence"]
    hold(office, MEMBER, village(small))
    made = visit(office, small)
    assert made["own"] is True
    assert "联系点" not in made["sentence"]
    assert visit(office, small, OTHER)["own"] is False
    assert visit(office, small, OTHER, members=[MEMBER.id, OTHER.id])["own"] is True


@pytest.mark.parametrize("actor", [VIEWER, OFFICER, ADMINISTRATOR], ids=lambda one: one.role)
def test_who_does_not_visit_writes_none(office, small, actor):
    with pytest.raises(Forbidden):
        visit(office, small, actor, members=[MEMBER.id])
    assert kinds(office) == []


def test_a_day_is_a_day_in_china_and_not_in_the_future(office, small):
    turn(office, "2021-12-20T15:59")
    assert visit(office, small, day="2021-12-20")["day"] == "2021-12-20"
    with pytest.raises(Refused, match="今天是2021年12月20日"):
        visit(office, small, day="2021-12-21")
    turn(office, "2021-12-20T16:00")
    assert visit(office, small, day="2021-12-21")["day"] == "2021-12-21"


def test_no_visit_before_the_round_began(office, small):
    assert visit(office, small, day="2021-07-01")["day"] == "2021-07-01"
    with pytest.raises(Refused, match="2021年7月1日"):
        visit(office, small, day="2021-06-30")


@pytest.mark.parametrize(
    "day",
    ["", None, "2021-02-30", "20211218", "2021-W50-1", "昨天", 5, "2021-12-18 ", "２０２１-12-18"],
)
def test_what_is_no_day_is_refused_with_a_cure(office, small, day):
    with pytest.raises(BadRequest, match="年-月-日"):
        visit(office, small, day=day)


@pytest.mark.parametrize("wrong", [None, "", 7, [], "990001", "990001901999", "\x00", "\ud800"])
def test_a_visit_is_of_a_village(office, small, wrong):
    with pytest.raises((BadRequest, UnknownName)):
        visit(office, small, village=wrong)
    assert kinds(office) == []


def test_texts_have_a_length_and_lose_control_characters_and_nothing_else(office, small):
    typed = "第一行\n第\x00二\u202e行 <script>alert(1)</script> =1+1 \ud800🌾 "
    made = visit(office, small, seen=typed)
    seen = told(office, small, made["id"])["seen"]
    assert seen == "第一行\n第二行 <script>alert(1)</script> =1+1 🌾 "
    visit(office, small, seen="好" * visits.SEEN)
    with pytest.raises(Refused, match="最多 500 个字"):
        visit(office, small, seen="好" * (visits.SEEN + 1))
    with pytest.raises(BadRequest, match="见闻"):
        visit(office, small, seen=["好"])


def test_something_must_have_been_seen(office, small):
    with pytest.raises(Refused, match="看到了什么"):
        visit(office, small, seen=" \n\x07")
    assert visit(office, small, seen="", observations=[{"indicator": "paved", "value": True}])


def test_members_are_accounts(office, small):
    with pytest.raises(UnknownName, match="没有这个成员"):
        visit(office, small, members=[MEMBER.id, "nobody"])
    with pytest.raises(UnknownName):
        visit(office, small, members=["\x00"])
    for wrong in ("member-1", [1], [["member-1"]], ["x"] * 21):
        with pytest.raises(BadRequest):
            visit(office, small, members=wrong)


def test_nothing_is_written_when_a_part_cannot_be(office, small):
    with pytest.raises(UnknownName):
        visit(
            office,
            small,
            observations=[{"indicator": "paved", "value": False}],
            problems=[
                {"category": "item.paved", "said": "泥路"},
                {"category": "none", "said": "?"},
            ],
        )
    assert kinds(office) == []
    assert office.rows(sa.select(tables.visit.c.id)) == []


def test_problems_found_during_a_visit_come_with_it(office, small):
    made = visit(office, small, problems=[{"category": "team", "said": "队员不在村"}])
    assert "问题 1 个" in made["sentence"]
    found = problems.one(office, small, MEMBER, made["problems"][0])
    assert (found["visit"], found["found_on"], found["state"]) == (
        made["id"],
        "2021-12-18",
        "found",
    )
    assert told(office, small, made["id"])["problems"] == 1


def test_asked_twice_with_one_key_it_is_written_once(office, small):
    asked = {"village": village(small), "day": "2021-12-18", "seen": "路\ud800好"}
    first = visits.write(office, small, MEMBER, asked, key="k1")
    # The second time arrives after midnight, and after another edition: still the same answer.
    turn(office, "2021-12-25T00:00")
    assert visits.write(office, small, MEMBER, asked, key="k1") == first
    assert kinds(office) == ["visit.written"]
    with pytest.raises(Conflict):
        visits.write(office, small, MEMBER, asked | {"seen": "别的"}, key="k1")


def test_a_visit_is_taken_back_by_its_author_or_the_office_with_a_reason(office, small):
    made = visit(office, small, observations=[{"indicator": "paved", "value": False}],
                 problems=[{"category": "team", "said": "队员不在村"}])  # fmt: skip
    photo = photos.add(office, MEMBER, photograph(), visit=made["id"])["id"]
    for somebody in (OTHER, OFFICER, VIEWER, ADMINISTRATOR):
        with pytest.raises(Forbidden):
            visits.withdraw(office, somebody, made["id"], "不对")
    with pytest.raises(Refused, match="理由"):
        visits.withdraw(office, MEMBER, made["id"], " ")
    done = visits.withdraw(office, MEMBER, made["id"], "记错了村")
    assert (done["observations"], done["photos"], done["problems"]) == (1, 1, 1)
    assert visits.of(office, small, MEMBER) == []
    assert observations.of(office, small, village(small), people=True) == []
    with pytest.raises(UnknownName):
        photos.image(office, photo)
    # The history stays, and so does the problem.
    assert told(office, small, made["id"])["withdrawn"] is True
    assert problems.of(office, small, MEMBER, village(small))
    assert kinds(office)[-3:] == ["observation.withdrawn", "photo.withdrawn", "visit.withdrawn"]
    with pytest.raises(Conflict, match="已经撤回"):
        visits.withdraw(office, MEMBER, made["id"], "再一次")


def test_the_office_takes_back_what_a_member_wrote(office, small):
    made = visit(office, small)
    assert told(office, small, made["id"], COLLEAGUE)["can"] == ["withdraw", "photo"]
    assert told(office, small, made["id"], OTHER)["can"] == []
    visits.withdraw(office, COLLEAGUE, made["id"], "成员来电更正")
    assert told(office, small, made["id"])["withdrawn"]


@pytest.mark.parametrize("wrong", ["", "none", "\x00", "x" * 500, "'; drop table visit; --"])
def test_a_visit_that_is_not_there(office, small, wrong):
    with pytest.raises(UnknownName):
        visits.one(office, small, MEMBER, wrong)
    with pytest.raises(UnknownName):
        visits.withdraw(office, OFFICE, wrong, "理由")


def test_visits_are_listed_newest_first_and_by_village(office, small):
    days = ["2021-10-01", "2021-12-01", "2021-11-01"]
    for n, day in enumerate(days):
        visit(office, small, day=day, village=village(small, 4 * (n % 2)))
    found = visits.of(office, small, MEMBER)
    assert [one["day"] for one in found] == sorted(days, reverse=True)
    here = visits.of(office, small, MEMBER, village=village(small))
    assert [one["day"] for one in here] == ["2021-11-01", "2021-10-01"]
    assert visits.of(office, small, MEMBER, village="\x00") == []
    assert visits.last(office, "r3") == {
        village(small): "2021-11-01",
        village(small, 4): "2021-12-01",
    }


def test_a_village_that_the_edition_no_longer_knows_does_not_break_the_list(office, small):
    made = visit(office, small)
    with office.noting() as connection:
        connection.execute(sa.update(tables.visit).values(village="990009909009"))
    assert told(office, small, made["id"])["name"] == "990009909009"


def test_a_day_and_a_moment_in_words():
    assert written.day_words("2021-01-05") == "2021年1月5日"
    assert written.moment_words("2021-12-31T16:05:00.000000Z") == "2022年1月1日 00:05"
