"""What the voice is given to read: numbers people can follow, and the right one of two readings."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.drivers.espeak_check import differences, phonemes, texts_of
from devices.drivers.espeak_text import readings, spoken
from devices.speech import SpeechLanguage

ROOT = Path(__file__).parents[2]
SHIPPED = [*sorted((ROOT / "kiosk/texts/zh_CN").glob("*.toml")), *sorted((ROOT / "config/catalogue").glob("*.yaml"))]


def said(text: str) -> str:
    return " ".join(spoken(text, SpeechLanguage.MANDARIN).split())


def told(text: str) -> str:
    return spoken(text, SpeechLanguage.ENGLISH)


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("银行", "yin2 hang2"),
        ("重庆", "chong2 qing4"),
        ("行长", "hang2 zhang3"),
        ("长期", "chang2 qi1"),
        ("会计", "kuai4 ji4"),
        ("便民", "bian4 min2"),
        ("调档", "diao4 dang4"),
        ("结婚", "jie2 hun1"),
        ("单位", "dan1 wei4"),
        ("朝阳", "chao2 yang2"),
        ("重新", "chong2 xin1"),
        ("更换", "geng1 huan4"),
        ("处理", "chu3 li3"),
        ("部长", "bu4 zhang3"),
        ("贷款", "dai4 kuan3"),
        ("照片", "zhao4 pian4"),
        ("应付金额", "ying1 fu4 jin1 e2"),
    ],
)
def test_word_with_two_readings_is_said_rightly(text: str, pinyin: str) -> None:
    assert said(text) == pinyin


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("本市长期居住", "ben3 shi4 chang2 qi1 ju1 zhu4"),  # not the mayor
        ("全部长度", "quan2 bu4 chang2 du4"),
        ("您的确认", "nin2 de5 que4 ren4"),  # not "indeed"
        ("拿着手机", "na2 zhe5 shou3 ji1"),
        ("没有空间", "mei2 you3 kong1 jian1"),
        ("需要求助", "xu1 yao4 qiu2 zhu4"),
        ("联系发卡机构", "lian2 xi4 fa1 ka3 ji1 gou4"),
        ("可以为您办理", "ke3 yi3 wei4 nin2 ban4 li3"),
        ("适当地调整", "shi4 dang4 di4 tiao2 zheng3"),
    ],
)
def test_word_is_not_found_across_the_border_of_two_others(text: str, pinyin: str) -> None:
    assert said(text) == pinyin


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("不要", "bu2 yao4"),
        ("不同意", "bu4 tong2 yi4"),
        ("不", "bu4"),
        ("一个", "yi2 ge4"),
        ("一张", "yi4 zhang1"),
        ("第一次", "di4 yi1 ci4"),
        ("统一办理", "tong3 yi1 ban4 li3"),
        ("一月", "yi1 yue4"),
        ("十一", "shi2 yi1"),
        ("一", "yi1"),
    ],
)
def test_tones_of_bu_and_yi_follow_the_next(text: str, pinyin: str) -> None:
    assert said(text) == pinyin


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-07-01", "二零二六年七月一日"),
        ("2026/7/1", "二零二六年七月一日"),
        ("2026 年 7 月 1 日", "二零二六 年 七 月 一 日"),
        ("14:20", "十四点二十分"),
        ("9:00-17:00", "九点到十七点"),
        ("12.50元", "十二点五零元"),
        ("50%", "百分之五十"),
        ("2 分钟", "两 分钟"),
        ("第 2 步", "第 二 步"),
        ("12 张", "十二 张"),
        ("400m", "四百米"),
        ("37.5℃", "三十七点五摄氏度"),
        ("0", "零"),
        ("10", "十"),
        ("105", "一百零五"),
        ("110", "一百一十"),
        ("1005", "一千零五"),
        ("1000", "一千"),
        ("A4", "A四"),
    ],
)
def test_number_is_said_as_people_do(text: str, same_as: str) -> None:
    assert said(text) == said(same_as)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("12345", "yi1 er4 san1 si4 wu3"),
        ("拨打12345。", "bo1 da3 yi1 er4 san1 si4 wu3 。"),
        ("13912345678", "yao1 san1 jiu3 yao1 er4 san1 si4 wu3 liu4 qi1 ba1"),
        ("139****5678", "yao1 san1 jiu3 , wu3 liu4 qi1 ba1"),
        ("0531-1234567", "ling2 wu3 san1 yao1 , yao1 er4 san1 si4 wu3 liu4 qi1"),
        (
            "99999919900307001X",
            "jiu3 jiu3 jiu3 jiu3 jiu3 jiu3 yao1 jiu3 jiu3 ling2 ling2",
        ),
    ],
)
def test_number_that_is_a_name_is_said_digit_by_digit(text: str, digits: str) -> None:
    assert said(text).startswith(digits)


def test_masked_name_is_said_without_its_stars() -> None:
    assert said("张**") == "zhang1"


def test_english_numbers_and_dates() -> None:
    assert told("Call 12345 before 2026-07-01.") == "Call 1 2 3 4 5 before 1 July 2026."
    assert told("20 pages of 1000") == "20 pages of 1000"


@pytest.mark.parametrize("language", list(SpeechLanguage))
def test_text_cannot_command_the_voice(language: SpeechLanguage) -> None:
    """Two opening brackets begin a list of phonemes."""
    assert "[[" not in spoken("[[h@l'oU]] [[[", language)


def test_every_decided_word_has_one_sound_for_each_character() -> None:
    wrong = [word for word, reading in readings().items() if len(reading.split()) != len(word)]
    assert not wrong


def test_voice_says_every_decided_word_as_decided() -> None:
    """One syllable for each sound: nothing is read as English, nothing twice."""
    words = list(readings())
    heard = phonemes([spoken(word, SpeechLanguage.MANDARIN) for word in words])
    wrong = [word for word, sounds in zip(words, heard, strict=True) if len(sounds) != len(word)]
    assert not wrong
    assert not [sounds for sounds in heard if any("(en)" in sound for sound in sounds)]


def test_no_shipped_text_has_a_word_that_is_read_in_two_ways_and_not_decided() -> None:
    undecided = differences(text for file in SHIPPED for text in texts_of(file))
    assert not undecided, "decide in devices/drivers/espeak_readings.toml:\n" + "\n".join(map(str, undecided))


def test_checker_finds_what_no_table_decides() -> None:
    found = differences(["他任省长", "重孙"])
    assert [difference.where for difference in found if difference.where.startswith("[重]")] == ["[重]孙"]
    assert "chong2" in str(found[-1])
