from steering import boxes, press, without_plan


def test_the_question_at_the_end_says_what_is_kept(open_window, own_clip, soon):
    window = without_plan(open_window(holds_from_tile=0))
    window.add_clips([own_clip])
    window.settings_panel.rows["steps"].editor.field.setValue(1)
    window.action_table["restore"].trigger()
    soon(lambda: window.queue.queue[0].state == "running")
    window.close()
    (box,) = boxes(window)
    assert "from the last finished segment" in box.informativeText() + box.text()
    press(box, "Quit")


def test_the_next_start_shows_a_clip_of_the_queue(open_window, own_clip, soon):
    window = open_window(start=False)
    window.add_clips([own_clip, own_clip])
    window.close()
    again = open_window(start=False)
    soon(lambda: again.preview.info is not None)
    assert again.shown.item.id == again.queue.queue[0].id


def test_a_preset_of_another_version_is_named_when_it_is_left_out(open_window, folders):
    folders.presets.mkdir(parents=True)
    (folders.presets / "tapes.json").write_text('{"name": "Tapes", "settings": {"old_switch": true}}')
    window = open_window(start=False)
    assert "“tapes” is left out" in window.notices.text and window.notices.isVisible()
