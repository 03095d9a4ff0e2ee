"""Has the preview draw the engine's own tiles: for the settings that are edited, for a plan, for the job that runs."""

from app.models.declared import declared
from app.preview.panel import PreviewPanel
from dcvsr_engine.network.declaration import Declaration
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.plan import Plan, Segment
from dcvsr_engine.planning.request import JobRequest, Region
from dcvsr_engine.planning.sizes import sizes_of
from dcvsr_engine.settings import OutputSettings


class TileGuide:
    """Keeps the preview's tiles true to one request at a time; while a job runs, the preview follows that by itself."""

    def __init__(self, preview: PreviewPanel) -> None:
        self._preview = preview
        self._request: JobRequest | None = None
        self._model: Declaration | None = None
        self._planned: tuple[JobRequest, tuple[Segment, ...]] | None = None
        self._running = False

    def follow(self, request: JobRequest, model: Declaration, running: bool) -> None:
        """Draw the tiles that a request makes in the segment that is seen, unless its job is ``running``."""
        self._request, self._model, self._running = request, model, running
        resolved, info = model.resolve(request.settings), self._preview.info
        self._preview.view.set_strength(resolved.strength)
        if info is None:
            self._preview.set_scale(resolved.scale)
            return
        sizes = sizes_of(resolved, (info.width, info.height), info.sample_aspect_ratio)
        self._preview.set_scale(sizes.restored[0] / info.width)
        if not running:
            segment = self._segment(info.frames)
            grid = grid_for(segment.frames, *sizes.reduced, model, resolved.replace(scale=sizes.scale))
            self._preview.set_grid(grid, model.factor, segment.first)
            self._preview.set_sap_rate(resolved.sap_rate)

    def follow_frame(self) -> None:
        """Draw the tiles of another segment when the seen frame is in one."""
        info = self._preview.info
        if info is None or self._request is None or self._model is None or self._running:
            return
        if self._segment(info.frames).first != self._preview.tiling.first_frame:
            self.follow(self._request, self._model, running=False)

    def take_plan(self, request: JobRequest, plan: Plan) -> None:
        """Remember the segments of a request."""
        self._planned = comparable(request), plan.segments

    def show_run(self, request: JobRequest, plan: Plan) -> None:
        """Draw the tiles of a job that begins, where in the picture it works."""
        self._running = True
        # only the region's corner is needed
        region = request.region or Region(x=0, y=0, width=0, height=0)
        scale = plan.restored_size[0] / plan.input_size[0]
        origin = round(region.x * scale), round(region.y * scale)
        self._preview.set_grid(plan.grid, declared(plan.settings.model).factor, plan.segments[0].first, origin)
        self._preview.set_sap_rate(plan.settings.sap_rate)

    def _segment(self, frames: int) -> Segment:
        """The segment of the seen frame: as planned with these settings, or else the first one."""
        assert self._request is not None
        current = self._preview.timeline.range.current
        # other settings may cut the clip in other places
        if self._planned and self._planned[0] == comparable(self._request):
            segments = self._planned[1]
            return next((segment for segment in segments if segment.first <= current <= segment.last), segments[0])
        return Segment(index=0, first=0, last=min(frames, self._request.settings.segment_frames) - 1)


def comparable(request: JobRequest) -> JobRequest:
    """What of a request decides its segments."""
    return request.replace(target=None, output=OutputSettings())
