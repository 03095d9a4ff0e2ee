from steering import notice_button, states, without_plan


def test_the_report_panel_tells_of_the_clip_that_is_shown(open_window, own_clip, soon):
    other = own_clip.with_name("other <b>.mp4")
    other.write_bytes(own_clip.read_bytes())
    window = without_plan(open_window())
    report, queue = window.report, window.queue.queue
    assert report.title.text() == "Choose a restored clip in the queue."
    window.add_clips([own_clip, other])
    assert report.title.text() == f"{own_clip.name} has not been restored yet." and not report.copy_button.isEnabled()
    window.runner.start_items([queue[0].id])
    soon(lambda: states(window) == ["done", "waiting"])
    assert report.title.text() == f"Report of {own_clip.name}" and report.tree.topLevelItemCount() > 5
    assert report.copy_button.isEnabled()
    window.queue_panel.select(queue[1].id)
    assert report.title.text() == "other <b>.mp4 has not been restored yet." and not report.tree.topLevelItemCount()
    notice_button(window, "Report").click()
    assert window.shown.item.id == queue[0].id and report.title.text() == f"Report of {own_clip.name}"
