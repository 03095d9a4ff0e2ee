from hypothesis import given
from hypothesis import strategies as st

from app.preview.time_scale import TimeScale


@given(st.integers(1, 5000), st.integers(100, 2000), st.floats(0.1, 50), st.floats(0, 1), st.data())
def test_every_frame_has_its_place(frames, width, factor, share, data):
    scale = TimeScale.whole(frames, width).zoomed(factor, share * width)
    assert 0 <= scale.first <= frames - scale.count + 1e-6
    assert scale.count <= frames
    frame = data.draw(st.integers(0, frames - 1))
    shown = scale.showing(frame)
    assert shown.first <= frame
    assert frame + 1 <= shown.first + shown.count + 1e-6
    assert shown.frame(shown.x(frame + 0.5)) == frame


def test_zoom_keeps_the_frame_under_the_pointer():
    scale = TimeScale.whole(1000, 516)
    closer = scale.zoomed(4, 258)
    assert closer.count == 250
    assert closer.frame(258) == scale.frame(258)
