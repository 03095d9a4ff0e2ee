from app.settings.specs import missing, texts


def test_no_setting_and_no_choice_is_without_words():
    assert missing() == []


def test_texts_are_each_named_once():
    found = texts()
    assert len(found) == len(set(found)) and "Steps" in found
