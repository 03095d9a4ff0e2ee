<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>AboutDialog</name>
    <message>
        <source>About DC-VSR Studio</source>
        <translation>关于 DC-VSR Studio</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>Copy versions</source>
        <translation>复制版本信息</translation>
    </message>
    <message>
        <source>Restores and enlarges old, small or compressed videos with DC-VSR: a diffusion model that works on overlapping tiles in space and time and keeps them consistent by propagating attention between them.</source>
        <translation>用 DC-VSR 修复并放大老旧、小尺寸或压缩过的视频：这种扩散模型在空间和时间上重叠的分块中工作，并通过在分块之间传播注意力来保持一致。</translation>
    </message>
    <message>
        <source>Method: DC-VSR, SIGGRAPH 2025, arXiv 2502.03502. This program is an independent implementation.</source>
        <translation>方法：DC-VSR，SIGGRAPH 2025，arXiv 2502.03502。本程序是独立实现。</translation>
    </message>
    <message>
        <source>DC-VSR Studio is free software under the Apache License 2.0. It uses:</source>
        <translation>DC-VSR Studio 是采用 Apache License 2.0 的自由软件，使用了：</translation>
    </message>
    <message>
        <source>All included software with its licences</source>
        <translation>包含的全部软件及其许可证</translation>
    </message>
</context>
<context>
    <name>Actions</name>
    <message>
        <source>&amp;Open clips…</source>
        <translation>打开视频(&amp;O)…</translation>
    </message>
    <message>
        <source>Open &amp;folder…</source>
        <translation>打开文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>Output &amp;file…</source>
        <translation>输出文件(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Paste clips</source>
        <translation>粘贴视频(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Default settings</source>
        <translation>恢复默认设置(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Save as preset…</source>
        <translation>另存为预设(&amp;S)…</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>Preview as variant &amp;A</source>
        <translation>预览为方案 A(&amp;A)</translation>
    </message>
    <message>
        <source>Preview as variant &amp;B</source>
        <translation>预览为方案 B(&amp;B)</translation>
    </message>
    <message>
        <source>Preview only the &amp;visible part</source>
        <translation>只预览可见区域(&amp;V)</translation>
    </message>
    <message>
        <source>Restore only from &amp;in to out</source>
        <translation>只修复入点到出点(&amp;I)</translation>
    </message>
    <message>
        <source>Restore the range from in to out, or a few frames from here, as a preview (F5)</source>
        <translation>把入点到出点的部分（或从这里起的几帧）修复为预览 (F5)</translation>
    </message>
    <message>
        <source>Preview segment</source>
        <translation>预览片段</translation>
    </message>
    <message>
        <source>&amp;Use a folder in place…</source>
        <translation>就地使用文件夹(&amp;U)…</translation>
    </message>
    <message>
        <source>&amp;Estimate…</source>
        <translation>估算(&amp;E)…</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Job</source>
        <translation>任务(&amp;J)</translation>
    </message>
    <message>
        <source>&amp;Models</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Restore</source>
        <translation>修复(&amp;R)</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>取消(&amp;C)</translation>
    </message>
    <message>
        <source>After the &amp;queue</source>
        <translation>队列完成后(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Export</source>
        <translation>导出(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Devices</source>
        <translation>设备(&amp;D)</translation>
    </message>
    <message>
        <source>P&amp;references…</source>
        <translation>首选项(&amp;R)…</translation>
    </message>
    <message>
        <source>Before/after video, side by &amp;side…</source>
        <translation>修复前后对比视频，并排(&amp;S)…</translation>
    </message>
    <message>
        <source>Before/after video with a &amp;moving line…</source>
        <translation>修复前后对比视频，移动分割线(&amp;M)…</translation>
    </message>
    <message>
        <source>Save &amp;frame as…</source>
        <translation>将当前帧另存为(&amp;F)…</translation>
    </message>
    <message>
        <source>Save &amp;original frame as…</source>
        <translation>将原始帧另存为(&amp;O)…</translation>
    </message>
    <message>
        <source>Save &amp;before and after as…</source>
        <translation>将修复前后对比另存为(&amp;B)…</translation>
    </message>
    <message>
        <source>&amp;Copy frame</source>
        <translation>复制当前帧(&amp;C)</translation>
    </message>
    <message>
        <source>Copy &amp;original frame</source>
        <translation>复制原始帧(&amp;O)</translation>
    </message>
    <message>
        <source>Copy &amp;before and after</source>
        <translation>复制修复前后对比(&amp;B)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Watch a folder…</source>
        <translation>监视文件夹(&amp;W)…</translation>
    </message>
    <message>
        <source>Do not &amp;watch “{name}” any more</source>
        <translation>不再监视“{name}”(&amp;W)</translation>
    </message>
    <message>
        <source>Show the preview alone on the whole screen (F11; Esc leaves).</source>
        <translation>只让预览占满整个屏幕（F11；按 Esc 退出）。</translation>
    </message>
    <message>
        <source>Stop after the next tile; finished segments and steps are kept (Ctrl+.)</source>
        <translation>在下一个图块后停止;已完成的分段和步骤会保留(Ctrl+.)</translation>
    </message>
    <message>
        <source>&amp;Stop now</source>
        <translation>立即停止(&amp;S)</translation>
    </message>
    <message>
        <source>End the engine at once; finished segments and steps are kept (Ctrl+Shift+.)</source>
        <translation>立即结束引擎;已完成的分段和步骤会保留(Ctrl+Shift+.)</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause after the next tile and free the device&apos;s memory (F6)</source>
        <translation>在下一个分块后暂停并释放设备内存 (F6)</translation>
    </message>
    <message>
        <source>Start at a &amp;time…</source>
        <translation>定时开始(&amp;T)…</translation>
    </message>
    <message>
        <source>Do not start at {time}</source>
        <translation>取消 {time} 的定时开始</translation>
    </message>
    <message>
        <source>Delete unfinished work…</source>
        <translation>删除未完成的工作…</translation>
    </message>
    <message>
        <source>Restore only this</source>
        <translation>只修复此项</translation>
    </message>
    <message>
        <source>Start again</source>
        <translation>重新开始</translation>
    </message>
    <message>
        <source>Play the result</source>
        <translation>播放结果</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Show report</source>
        <translation>显示报告</translation>
    </message>
    <message>
        <source>Why it failed…</source>
        <translation>失败原因…</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Remove from the queue</source>
        <translation>从队列中移除</translation>
    </message>
    <message>
        <source>Restore on a &amp;farm</source>
        <translation>在农场上修复(&amp;F)</translation>
    </message>
    <message>
        <source>Restore on the &amp;farm at {address}</source>
        <translation>在农场 {address} 上修复(&amp;F)</translation>
    </message>
    <message>
        <source>Restore on &amp;this computer</source>
        <translation>在本机上修复(&amp;T)</translation>
    </message>
    <message>
        <source>Fa&amp;rm…</source>
        <translation>农场(&amp;R)…</translation>
    </message>
    <message>
        <source>&amp;Models…</source>
        <translation>模型(&amp;M)…</translation>
    </message>
    <message>
        <source>&amp;Open the models folder</source>
        <translation>打开模型文件夹(&amp;O)</translation>
    </message>
    <message>
        <source>G&amp;uide…</source>
        <translation>使用指南(&amp;U)…</translation>
    </message>
    <message>
        <source>&amp;First steps…</source>
        <translation>入门(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts…</source>
        <translation>键盘快捷键(&amp;K)…</translation>
    </message>
    <message>
        <source>Use my &amp;GPU…</source>
        <translation>使用我的 GPU(&amp;G)…</translation>
    </message>
    <message>
        <source>&amp;About DC-VSR Studio</source>
        <translation>关于 DC-VSR Studio(&amp;A)</translation>
    </message>
    <message>
        <source>Report of the last &amp;crash…</source>
        <translation>上次崩溃的报告(&amp;C)…</translation>
    </message>
    <message>
        <source>Restore all waiting clips (Ctrl+Return)</source>
        <translation>修复所有等待中的视频 (Ctrl+Return)</translation>
    </message>
    <message>
        <source>&amp;Appearance</source>
        <translation>外观(&amp;A)</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
</context>
<context>
    <name>Appearance</name>
    <message>
        <source>Like the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
</context>
<context>
    <name>ClipIntake</name>
    <message>
        <source>There are no new clips in {names}.</source>
        <translation>{names} 中没有新的视频。</translation>
    </message>
    <message>
        <source>Watch a folder: clips that come into it are restored</source>
        <translation>监视文件夹：放入其中的视频会被修复</translation>
    </message>
    <message>
        <source>The watched folder “{name}” is gone; it is watched again when it is back.</source>
        <translation>被监视的文件夹“{name}”不见了；恢复后会继续监视。</translation>
    </message>
    <message>
        <source>The watched folder “{name}” is back.</source>
        <translation>被监视的文件夹“{name}”已恢复。</translation>
    </message>
    <message>
        <source>There are no files on the clipboard.</source>
        <translation>剪贴板上没有文件。</translation>
    </message>
    <message>
        <source>Open clips</source>
        <translation>打开视频</translation>
    </message>
    <message>
        <source>Open a folder of clips or pictures</source>
        <translation>打开视频或图片文件夹</translation>
    </message>
    <message>
        <source>Videos ({patterns})</source>
        <translation>视频 ({patterns})</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>所有文件 (*)</translation>
    </message>
</context>
<context>
    <name>ClipSound</name>
    <message>
        <source>This clip has no sound.</source>
        <translation>此视频没有声音。</translation>
    </message>
</context>
<context>
    <name>CollapsibleSection</name>
    <message>
        <source>expanded</source>
        <translation>已展开</translation>
    </message>
    <message>
        <source>collapsed</source>
        <translation>已折叠</translation>
    </message>
    <message>
        <source>Hide these settings</source>
        <translation>隐藏这些设置</translation>
    </message>
    <message>
        <source>Show these settings</source>
        <translation>显示这些设置</translation>
    </message>
</context>
<context>
    <name>CompareView</name>
    <message>
        <source>Preview</source>
        <translation>预览</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Play or pause</source>
        <translation>播放或暂停</translation>
    </message>
    <message>
        <source>In A/B: show the other picture while held</source>
        <translation>A/B 模式下：按住显示另一画面</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Previous and next frame</source>
        <translation>上一帧和下一帧</translation>
    </message>
    <message>
        <source>Move the picture</source>
        <translation>移动画面</translation>
    </message>
    <message>
        <source>Move the wipe line</source>
        <translation>移动分割线</translation>
    </message>
    <message>
        <source>Clear the selection; leave the full screen</source>
        <translation>取消选择；退出全屏</translation>
    </message>
    <message>
        <source>The frame before and after. Plus and minus zoom, Ctrl with arrows moves, R selects the visible part, Escape clears the selection.</source>
        <translation>修复前后的画面。加减号缩放,Ctrl 加方向键移动,R 选择可见部分,Esc 清除选择。</translation>
    </message>
    <message>
        <source>Drop a video here</source>
        <translation>将视频拖放到这里</translation>
    </message>
    <message>
        <source>or click to choose one</source>
        <translation>或点击选择文件</translation>
    </message>
    <message>
        <source>Drop to add to the queue</source>
        <translation>松开即可加入队列</translation>
    </message>
    <message>
        <source>|{right} − {left}| × {gain}</source>
        <translation>|{right} − {left}| × {gain}</translation>
    </message>
    <message>
        <source>{title} · hold Space for {other}</source>
        <translation>{title} · 按住空格看{other}</translation>
    </message>
    <message>
        <source>{name}: not yet</source>
        <translation>{name}:尚未完成</translation>
    </message>
    <message>
        <source>{name} – step {step}</source>
        <translation>{name} – 第 {step} 步</translation>
    </message>
</context>
<context>
    <name>Desktop</name>
    <message>
        <source>No program on this computer shows folders, or this one is gone:</source>
        <translation>本机没有可显示文件夹的程序，或此文件夹已不存在：</translation>
    </message>
</context>
<context>
    <name>DeviceMenu</name>
    <message>
        <source>&amp;Compute on</source>
        <translation>计算设备(&amp;C)</translation>
    </message>
    <message>
        <source>One card, or several together</source>
        <translation>一块显卡，或多块同时使用</translation>
    </message>
</context>
<context>
    <name>Effects</name>
    <message>
        <source>Guidance is off.</source>
        <translation>引导已关闭。</translation>
    </message>
    <message>
        <source>Only SAG and PAG have a scale of their own.</source>
        <translation>只有 SAG 和 PAG 有自己的强度。</translation>
    </message>
    <message>
        <source>γ acts with DSSAG only.</source>
        <translation>γ 仅在 DSSAG 下起作用。</translation>
    </message>
    <message>
        <source>Guidance scale 1 is no guidance: γ has nothing to act on.</source>
        <translation>引导强度为 1 即无引导:γ 不起作用。</translation>
    </message>
    <message>
        <source>γ peak is 0.</source>
        <translation>γ 峰值为 0。</translation>
    </message>
    <message>
        <source>With one step there is no curve: it has γ peak.</source>
        <translation>只有一步时没有曲线:该步取 γ 峰值。</translation>
    </message>
    <message>
        <source>With one step there is no SAP step: SAP acts in every second step.</source>
        <translation>只有一步时没有 SAP 步骤:SAP 每隔一步起作用。</translation>
    </message>
    <message>
        <source>SAP is off.</source>
        <translation>SAP 已关闭。</translation>
    </message>
    <message>
        <source>TAP is off.</source>
        <translation>TAP 已关闭。</translation>
    </message>
    <message>
        <source>SAP and TAP are off.</source>
        <translation>SAP 与 TAP 已关闭。</translation>
    </message>
    <message>
        <source>Fast tiling has its own overlap.</source>
        <translation>快速分块有自己的重叠。</translation>
    </message>
    <message>
        <source>The first and the last step are Euler&apos;s: it takes three steps.</source>
        <translation>第一步和最后一步总是欧拉步：至少需要三步。</translation>
    </message>
    <message>
        <source>Fast tiling moves its tiles: none sees again what it saw.</source>
        <translation>快速分块会移动分块：没有分块会再看到它看过的内容。</translation>
    </message>
    <message>
        <source>It takes two steps with the same guidance, and not SAG.</source>
        <translation>需要引导相同的两步，且不能是 SAG。</translation>
    </message>
    <message>
        <source>This model does not go by the enlarged picture.</source>
        <translation>此模型不以放大后的画面为基础。</translation>
    </message>
    <message>
        <source>With SAP or TAP other tiles look at flat ones.</source>
        <translation>启用 SAP 或 TAP 时，其他图块会参考平坦的图块。</translation>
    </message>
    <message>
        <source>Film grain is another in every frame.</source>
        <translation>每一帧的胶片颗粒都不同。</translation>
    </message>
    <message>
        <source>CFG changes nothing with this model: its training left nothing out.</source>
        <translation>CFG 对此模型没有作用:训练时没有省略任何条件。</translation>
    </message>
</context>
<context>
    <name>Engine</name>
    <message>
        <source>There are no frames to write.</source>
        <translation>没有可写入的帧。</translation>
    </message>
    <message>
        <source>The disk of {0} is full; free some space and start again: finished downloads are kept.</source>
        <translation>{0} 所在的磁盘已满；请腾出空间后重新开始：已完成的下载会保留。</translation>
    </message>
    <message>
        <source>The package indexes that pip knows have no torch {0} for this system; name one that has it.</source>
        <translation>pip 已知的软件包索引中没有适用于此系统的 torch {0}；请指定一个有它的索引。</translation>
    </message>
    <message>
        <source>The connection broke off or something arrived damaged; complete files are kept, start again to continue.</source>
        <translation>连接中断或收到的内容已损坏；完整的文件会保留，重新开始即可继续。</translation>
    </message>
    <message>
        <source>This computer has no NVIDIA GPU with a driver; if there is a GPU, install its driver first.</source>
        <translation>此电脑没有装好驱动的 NVIDIA GPU；如果有 GPU，请先安装其驱动程序。</translation>
    </message>
    <message>
        <source>The package indexes that pip knows have no CUDA build of torch {0} for this system; name one that has it.</source>
        <translation>pip 已知的软件包索引中没有适用于此系统的 torch {0} CUDA 版本；请指定一个有它的索引。</translation>
    </message>
    <message>
        <source>There is not enough space in {0}: {1} GB are needed and {2} GB are free.</source>
        <translation>{0} 中空间不足：需要 {1} GB，可用 {2} GB。</translation>
    </message>
    <message>
        <source>The CUDA build was installed but does not start ({0}); it was not switched on.</source>
        <translation>CUDA 版本已安装但无法启动（{0}）；未启用。</translation>
    </message>
    <message>
        <source>Not the installed build but torch {0} in {1} started; please report it.</source>
        <translation>启动的不是已安装的版本，而是 {1} 中的 torch {0}；请报告此问题。</translation>
    </message>
    <message>
        <source>{0} cannot be written ({1}).</source>
        <translation>无法写入 {0}（{1}）。</translation>
    </message>
    <message>
        <source>The package index gives no hash of {0}, so that it could not be verified.</source>
        <translation>软件包索引没有给出 {0} 的哈希值，因此无法校验。</translation>
    </message>
    <message>
        <source>The package index wants to install “{0}”, which does not belong to torch for CUDA; it is refused.</source>
        <translation>软件包索引想安装“{0}”，它不属于 CUDA 版 torch；已拒绝。</translation>
    </message>
    <message>
        <source>The build is switched off, but files in {0} are in use; remove it again when the program has ended.</source>
        <translation>该版本已停用，但 {0} 中的文件正在使用；请在程序结束后再次移除。</translation>
    </message>
    <message>
        <source>The build is being installed by another process; wait for it or cancel it there.</source>
        <translation>另一个进程正在安装该版本；请等待或在那里取消。</translation>
    </message>
    <message>
        <source>“{0}” is no job that can be continued; “dcvsr jobs” lists those that can.</source>
        <translation>“{0}”不是可以继续的任务；“dcvsr jobs”会列出可以继续的任务。</translation>
    </message>
    <message>
        <source>The job in {0} is being run by another process; wait for it or cancel it there.</source>
        <translation>{0} 中的任务正由另一个进程运行；请等待或在那里取消。</translation>
    </message>
    <message>
        <source>“{0}” cannot be read any more ({1}); bring it back and resume.</source>
        <translation>“{0}”已无法读取（{1}）；请恢复该文件后继续。</translation>
    </message>
    <message>
        <source>Memory ran out; close other programs or choose smaller tiles, and start it again.</source>
        <translation>内存不足；请关闭其他程序或选择更小的分块，然后重新开始。</translation>
    </message>
    <message>
        <source>None of the frames of “{0}” can be decoded.</source>
        <translation>“{0}”中没有可以解码的帧。</translation>
    </message>
    <message>
        <source>“{0}” has {1} of the {2} frames that were restored; choose another codec.</source>
        <translation>“{0}”只含已修复的 {2} 帧中的 {1} 帧；请选择其他编码。</translation>
    </message>
    <message>
        <source>{0} is damaged ({1}); {2}.</source>
        <translation>{0} 已损坏（{1}）；{2}。</translation>
    </message>
    <message>
        <source>{0} of {1} frames are in the result; the others cannot be decoded.</source>
        <translation>结果中有 {1} 帧中的 {0} 帧；其余无法解码。</translation>
    </message>
    <message>
        <source>Frames up to {0} were asked for, but frame {1} is the last one.</source>
        <translation>要求到第 {0} 帧，但第 {1} 帧已是最后一帧。</translation>
    </message>
    <message>
        <source>Frames {0} to {1} of “{2}” cannot be decoded.</source>
        <translation>“{2}”的第 {0} 到 {1} 帧无法解码。</translation>
    </message>
    <message>
        <source>“{0}” is not in the catalogue: name one of {1}.</source>
        <translation>目录中没有“{0}”：请从 {1} 中选择。</translation>
    </message>
    <message>
        <source>{0} needs both repository and files, or neither.</source>
        <translation>{0} 要么同时需要仓库和文件，要么都不需要。</translation>
    </message>
    <message>
        <source>{0}: a U-Net, and nothing else, needs base and declaration.</source>
        <translation>{0}：只有 U-Net 需要基础模型和声明。</translation>
    </message>
    <message>
        <source>“{0}” has nothing that only training needs.</source>
        <translation>“{0}”没有仅训练所需的内容。</translation>
    </message>
    <message>
        <source>It names a model twice.</source>
        <translation>其中有模型被重复列出。</translation>
    </message>
    <message>
        <source>It names a base that is not in it.</source>
        <translation>其中列出了不存在的基础模型。</translation>
    </message>
    <message>
        <source>The catalogue {0} is not understood: {1}.</source>
        <translation>无法理解目录 {0}：{1}。</translation>
    </message>
    <message>
        <source>The connection to {0} broke off in {1}, at {2} of {3} MB; what has arrived is kept, start the download again to continue.</source>
        <translation>与 {0} 的连接在 {1} 处中断（{2}/{3} MB）；已收到的内容会保留，重新开始下载即可继续。</translation>
    </message>
    <message>
        <source>The disk of {0} is full; free some space and start the download again, what has arrived is kept.</source>
        <translation>{0} 所在的磁盘已满；请腾出空间后重新开始下载，已收到的内容会保留。</translation>
    </message>
    <message>
        <source>“{0}” is being downloaded by another process; wait for it or cancel it there.</source>
        <translation>另一个进程正在下载“{0}”；请等待或在那里取消。</translation>
    </message>
    <message>
        <source>{0} of “{1}” arrived damaged and was deleted; start the download again to get it.</source>
        <translation>“{1}”的 {0} 收到时已损坏并被删除；请重新开始下载。</translation>
    </message>
    <message>
        <source>{0} holds another kind of model than the catalogue says; please report it.</source>
        <translation>{0} 中的模型类型与目录所述不同；请报告此问题。</translation>
    </message>
    <message>
        <source>{0} sends more than the {1} bytes of {2} that it announced; they are deleted.</source>
        <translation>{0} 发送的内容超过其声明的 {2} 的 {1} 字节；已删除。</translation>
    </message>
    <message>
        <source>{0} is not a regular file.</source>
        <translation>{0} 不是普通文件。</translation>
    </message>
    <message>
        <source>{0} cannot be read ({1}).</source>
        <translation>无法读取 {0}（{1}）。</translation>
    </message>
    <message>
        <source>{0} is damaged or no safetensors file ({1}); get it again.</source>
        <translation>{0} 已损坏或不是 safetensors 文件（{1}）；请重新获取。</translation>
    </message>
    <message>
        <source>{0} answers with error {1}; try again later.</source>
        <translation>{0} 返回错误 {1}；请稍后再试。</translation>
    </message>
    <message>
        <source>{0} cannot be reached ({1}); check the network, or name a mirror in HF_ENDPOINT.</source>
        <translation>无法连接 {0}（{1}）；请检查网络，或在 HF_ENDPOINT 中指定镜像。</translation>
    </message>
    <message>
        <source>“{0}” is for users who accepted its licence on {1}: accept it there, make a token, and enter it here.</source>
        <translation>“{0}”仅供在 {1} 上接受其许可的用户使用：请在那里接受许可、创建令牌并在此输入。</translation>
    </message>
    <message>
        <source>The token&apos;s account has no access to “{0}” yet: accept its licence on {1}, or enter another token.</source>
        <translation>该令牌的账户尚无“{0}”的访问权限：请在 {1} 上接受其许可，或输入其他令牌。</translation>
    </message>
    <message>
        <source>{0} does not know this token; make a new one there and enter it here.</source>
        <translation>{0} 不认识此令牌；请在那里创建新令牌并在此输入。</translation>
    </message>
    <message>
        <source>{0} does not exist, or no longer has these files; look there for what became of it.</source>
        <translation>{0} 不存在，或不再有这些文件；请到那里查看情况。</translation>
    </message>
    <message>
        <source>{0} is laid over “{1}”, which is not the name of a model; name one with --base.</source>
        <translation>{0} 基于“{1}”，但它不是模型名称；请用 --base 指定。</translation>
    </message>
    <message>
        <source>There is a model “{0}” already; remove it first, or give this one another name.</source>
        <translation>已有名为“{0}”的模型；请先移除它，或为此模型另起名称。</translation>
    </message>
    <message>
        <source>A model cannot be called “{0}”; give it another name.</source>
        <translation>模型不能叫“{0}”；请换个名称。</translation>
    </message>
    <message>
        <source>The models folder {0} cannot be made ({1}).</source>
        <translation>无法创建模型文件夹 {0}（{1}）。</translation>
    </message>
    <message>
        <source>{0} is missing or is not the file that {1} declares (its SHA-256 differs); get it again.</source>
        <translation>{0} 缺失，或不是 {1} 声明的文件（SHA-256 不同）；请重新获取。</translation>
    </message>
    <message>
        <source>{0} on {1} offers no safetensors files of this model; pickles are not downloaded.</source>
        <translation>{1} 上的 {0} 没有提供此模型的 safetensors 文件；不会下载 pickle 文件。</translation>
    </message>
    <message>
        <source>{0} offers {1} GB for “{2}”, but it should be {3} GB; nothing is downloaded.</source>
        <translation>{0} 为“{2}”提供 {1} GB，但应为 {3} GB；不会下载。</translation>
    </message>
    <message>
        <source>The hub gives no hash of {0}, so that it could not be verified; it is not downloaded.</source>
        <translation>该站没有给出 {0} 的哈希值，无法校验；不会下载。</translation>
    </message>
    <message>
        <source>{0} answers with a listing that is not understood; try again later.</source>
        <translation>{0} 返回的列表无法理解；请稍后再试。</translation>
    </message>
    <message>
        <source>{0} does not end its listing of “{1}”; try again later.</source>
        <translation>{0} 没有给完“{1}”的列表；请稍后再试。</translation>
    </message>
    <message>
        <source>{0} is a pickle, which can run code when it is opened; get the model as safetensors.</source>
        <translation>{0} 是 pickle 文件，打开时可能运行代码；请获取 safetensors 格式的模型。</translation>
    </message>
    <message>
        <source>{0} is no model: give a folder in diffusers&apos; layout or a .safetensors file.</source>
        <translation>{0} 不是模型：请提供 diffusers 布局的文件夹或 .safetensors 文件。</translation>
    </message>
    <message>
        <source>{0} does not exist.</source>
        <translation>{0} 不存在。</translation>
    </message>
    <message>
        <source>The model in {0} is incomplete: the folder “{1}” is missing.</source>
        <translation>{0} 中的模型不完整：缺少文件夹“{1}”。</translation>
    </message>
    <message>
        <source>The model in {0} is incomplete: {1} is missing.</source>
        <translation>{0} 中的模型不完整：缺少 {1}。</translation>
    </message>
    <message>
        <source>processor, {0} threads</source>
        <translation>处理器，{0} 个线程</translation>
    </message>
    <message>
        <source>The farm needs Ray, which is not installed: install the program from its source with “pip install .[farm]”.</source>
        <translation>农场需要 Ray，但尚未安装：请从源代码用“pip install .[farm]”安装本程序。</translation>
    </message>
    <message>
        <source>There is no farm at {0}; look whether “dcvsr farm start” runs there, and with --listen.</source>
        <translation>{0} 处没有农场；请检查那里是否在运行“dcvsr farm start”并带有 --listen。</translation>
    </message>
    <message>
        <source>The farm at {0} does not take this token; join with the one that “dcvsr farm start” printed.</source>
        <translation>{0} 处的农场不接受此令牌；请使用“dcvsr farm start”显示的令牌加入。</translation>
    </message>
    <message>
        <source>{0} has {1} {2} and this computer {3}; install the same on both.</source>
        <translation>{0} 上的 {1} 是 {2}，本机是 {3}；请在两边安装相同版本。</translation>
    </message>
    <message>
        <source>This computer has {0} CUDA card(s), each for one worker; choose no more than those.</source>
        <translation>这台计算机有 {0} 块 CUDA 显卡，每块用于一个工作进程；请勿选择更多。</translation>
    </message>
    <message>
        <source>{0} worker(s) of the farm wait: their devices are at other jobs, or are gone.</source>
        <translation>农场中有 {0} 个工作进程在等待：其设备正用于其他任务，或已不在。</translation>
    </message>
    <message>
        <source>The farm has no worker: join a computer first.</source>
        <translation>农场没有工作进程：请先加入一台计算机。</translation>
    </message>
    <message>
        <source>processor, {0} thread</source>
        <translation>处理器，{0} 个线程</translation>
    </message>
    <message>
        <source>{0} or WIDTHxHEIGHT with sides of {1} to {2} pixels</source>
        <translation>{0} 或 WIDTHxHEIGHT（每边 {1} 到 {2} 像素）</translation>
    </message>
    <message>
        <source>auto or a factor between {0} and {1}</source>
        <translation>auto 或 {0} 到 {1} 之间的倍数</translation>
    </message>
    <message>
        <source>auto, or frames per second such as 24, 23.976 or 24000/1001</source>
        <translation>auto，或每秒帧数，如 24、23.976 或 24000/1001</translation>
    </message>
    <message>
        <source>text with %04d for the number, such as shot.%04d</source>
        <translation>以 %04d 表示编号的文字，如 shot.%04d</translation>
    </message>
    <message>
        <source>the input has changed: {0}</source>
        <translation>输入已改变：{0}</translation>
    </message>
    <message>
        <source>the input has changed: frames {0} to {1} of “{2}” are not those that were read before</source>
        <translation>输入已改变：“{2}”的第 {0} 至 {1} 帧与之前读取的不同</translation>
    </message>
    <message>
        <source>“{0}” was written again since</source>
        <translation>“{0}”此后被重新写入</translation>
    </message>
    <message>
        <source>“{0}” had {1} bytes and has {2} now</source>
        <translation>“{0}”原有 {1} 字节，现为 {2} 字节</translation>
    </message>
    <message>
        <source>“{0}” is now “{1}”</source>
        <translation>“{0}”现为“{1}”</translation>
    </message>
    <message>
        <source>there were {0} pictures and now there are {1}</source>
        <translation>原有 {0} 张图片，现有 {1} 张</translation>
    </message>
    <message>
        <source>the model&apos;s file {0} has changed</source>
        <translation>模型文件 {0} 已改变</translation>
    </message>
    <message>
        <source>its plan has changed</source>
        <translation>其计划已改变</translation>
    </message>
    <message>
        <source>it was started on {0} and would continue on {1}</source>
        <translation>它在 {0} 上开始，却将在 {1} 上继续</translation>
    </message>
    <message>
        <source>version {0} of the program started it and this is version {1}</source>
        <translation>它由程序的 {0} 版本开始，而当前为 {1} 版本</translation>
    </message>
    <message>
        <source>it is shorter than its header says</source>
        <translation>文件比其文件头所述的短</translation>
    </message>
    <message>
        <source>the decoder needs more memory</source>
        <translation>解码器需要更多内存</translation>
    </message>
    <message>
        <source>{0} has {1} of disk free and needs {2} for what it is sent; free some there.</source>
        <translation>{0} 的磁盘剩余 {1}，而发送给它的内容需要 {2}；请在那台电脑上腾出空间。</translation>
    </message>
    <message>
        <source>“{0}” cannot be read ({1}).</source>
        <translation>“{0}”无法读取（{1}）。</translation>
    </message>
    <message>
        <source>This job cannot be continued because {0}; restore it anew by “Start again”, or “dcvsr restore --fresh”.</source>
        <translation>无法继续这个任务，因为{0}；请用“重新开始”或“dcvsr restore --fresh”从头修复。</translation>
    </message>
    <message>
        <source>The job folder “{0}” was removed while the job ran; start it again.</source>
        <translation>任务运行期间，任务文件夹“{0}”被删除；请重新开始。</translation>
    </message>
    <message>
        <source>This job cannot be continued because version {0} of the program started it, which keeps jobs in another format than this one, {1}; restore it anew by “Start again”, or “dcvsr restore --fresh”.</source>
        <translation>无法继续这个任务：它由程序的 {0} 版开始，其任务格式与本版（{1}）不同；请用“重新开始”或“dcvsr restore --fresh”从头修复。</translation>
    </message>
    <message>
        <source>The name “{0}” holds a field that there is not{1}; use {2}.</source>
        <translation>名称“{0}”含有不存在的字段{1}；请使用 {2}。</translation>
    </message>
    <message>
        <source>The name “{0}” needs {name} in it, or all results would be called alike.</source>
        <translation>名称“{0}”中须含有 {name}，否则所有结果将同名。</translation>
    </message>
    <message>
        <source>The name “{0}” is no file name: leave out / \ : * ? &quot; &lt; &gt; | and dots or spaces at its ends.</source>
        <translation>名称“{0}”不能用作文件名：请去掉 / \ : * ? &quot; &lt; &gt; | 以及首尾的点或空格。</translation>
    </message>
    <message>
        <source>The name “{0}” has a brace without its other half; fields are {1}.</source>
        <translation>名称“{0}”的花括号不成对；可用字段为 {1}。</translation>
    </message>
    <message>
        <source>“{0}” is no name of a file of a unit; a computer of the farm has another version, or is not yours.</source>
        <translation>“{0}”不是单元文件的名称；农场里有电脑的版本不同，或不是您的电脑。</translation>
    </message>
    <message>
        <source>“{0}” was damaged on its way from another computer; the unit is done again.</source>
        <translation>“{0}”从另一台电脑传来时损坏；该单元会重做。</translation>
    </message>
    <message>
        <source>“{0}” is there, but its picture ({1}×{2}) has another shape than the clip&apos;s.</source>
        <translation>“{0}”已存在，但它的画面 ({1}×{2}) 形状与原视频不同。</translation>
    </message>
    <message>
        <source>“{0}” is there, but it has {1} frames, and {2} are wanted.</source>
        <translation>“{0}”已存在，但它有 {1} 帧，应为 {2} 帧。</translation>
    </message>
    <message>
        <source>“{0}” is there, but it cannot be read as a video.</source>
        <translation>“{0}”已存在，但无法作为视频读取。</translation>
    </message>
    <message>
        <source>The job in {0} was finished or removed by another process.</source>
        <translation>{0} 中的任务已由另一进程完成或删除。</translation>
    </message>
    <message>
        <source>{0} does not say between which noise levels the model was trained (sigma_min and sigma_max).</source>
        <translation>{0} 没有说明模型训练的噪声范围（sigma_min 和 sigma_max）。</translation>
    </message>
    <message>
        <source>The config.json of the autoencoder of “{0}” does not describe one.</source>
        <translation>“{0}”的自编码器的 config.json 描述的不是自编码器。</translation>
    </message>
    <message>
        <source>The U-Net of “{0}” has {1} input and {2} output channels, which does not fit an autoencoder of {3}; a {4} that declares its first stage is needed.</source>
        <translation>“{0}”的 U-Net 有 {1} 个输入通道和 {2} 个输出通道，与 {3} 通道的自编码器不符；需要声明其第一阶段的 {4}。</translation>
    </message>
    <message>
        <source>{0} holds no model: there is no .safetensors file.</source>
        <translation>{0} 中没有模型：没有 .safetensors 文件。</translation>
    </message>
    <message>
        <source>{0} is a link to a file elsewhere, which is not copied; put the file itself in its place.</source>
        <translation>{0} 是指向别处文件的链接，不会被复制；请放入文件本身。</translation>
    </message>
    <message>
        <source>{0} holds neither a U-Net nor an autoencoder (vae).</source>
        <translation>{0} 中既没有 U-Net 也没有自编码器（vae）。</translation>
    </message>
    <message>
        <source>{0} is no U-Net of Stable Video Diffusion&apos;s size; its config.json is needed beside it.</source>
        <translation>{0} 不是 Stable Video Diffusion 大小的 U-Net；旁边需要有其 config.json。</translation>
    </message>
    <message>
        <source>{0} has the {1} “{2}”; this program samples with “{3}”, as Stable Video Diffusion does.</source>
        <translation>{0} 的 {1} 为“{2}”；本程序与 Stable Video Diffusion 一样使用“{3}”采样。</translation>
    </message>
    <message>
        <source>There is no model “{0}”: name one of {1} or a folder that holds {2}.</source>
        <translation>没有模型“{0}”：请从 {1} 中选择，或指定含有 {2} 的文件夹。</translation>
    </message>
    <message>
        <source>The model in {0} needs “{1}”, which is missing; put it into {2}.</source>
        <translation>{0} 中的模型需要缺失的“{1}”；请将其放入 {2}。</translation>
    </message>
    <message>
        <source>The model in {0} declares the base “{1}”, which is not the name of a model.</source>
        <translation>{0} 中的模型声明了基础“{1}”，但它不是模型名称。</translation>
    </message>
    <message>
        <source>There is no model “{0}”; “dcvsr models list” shows the installed ones.</source>
        <translation>没有模型“{0}”；“dcvsr models list”会显示已安装的模型。</translation>
    </message>
    <message>
        <source>“{0}” restores nothing by itself; choose a model that is laid over it.</source>
        <translation>“{0}”本身不能修复；请选择基于它的模型。</translation>
    </message>
    <message>
        <source>{0} holds a {1}, and this program needs a {2}.</source>
        <translation>{0} 中是 {1}，而本程序需要 {2}。</translation>
    </message>
    <message>
        <source>The weights in {0} are not those of a {1}.</source>
        <translation>{0} 中的权重不是 {1} 的权重。</translation>
    </message>
    <message>
        <source>{0} holds no config.</source>
        <translation>{0} 中没有配置。</translation>
    </message>
    <message>
        <source>These weights are not a complete U-Net of Stable Video Diffusion&apos;s kind: tensors are missing.</source>
        <translation>这些权重不是完整的 Stable Video Diffusion 类 U-Net：缺少张量。</translation>
    </message>
    <message>
        <source>The weights in {0} do not fit their config.json: {1} is {2}, not {3}.</source>
        <translation>{0} 中的权重与其 config.json 不符：{1} 是 {2}，而不是 {3}。</translation>
    </message>
    <message>
        <source>{0} is missing or damaged.</source>
        <translation>{0} 缺失或已损坏。</translation>
    </message>
    <message>
        <source>“{0}” came with the program and stays.</source>
        <translation>“{0}”随程序提供，会保留。</translation>
    </message>
    <message>
        <source>“{0}” is laid over “{1}”; remove that first.</source>
        <translation>“{0}”基于“{1}”；请先移除前者。</translation>
    </message>
    <message>
        <source>{0} cannot be removed ({1}).</source>
        <translation>无法移除 {0}（{1}）。</translation>
    </message>
    <message>
        <source>{0} is not the file that was declared (its SHA-256 differs); get it again.</source>
        <translation>{0} 不是所声明的文件（SHA-256 不同）；请重新获取。</translation>
    </message>
    <message>
        <source>The U-Net in {0} takes {1} added_time_ids; {2} declares {3}.</source>
        <translation>{0} 中的 U-Net 接受 {1} 个 added_time_ids；{2} 声明了 {3} 个。</translation>
    </message>
    <message>
        <source>The U-Net in {0} needs a multiple of {1}; {2} declares {3}.</source>
        <translation>{0} 中的 U-Net 需要 {1} 的倍数；{2} 声明了 {3}。</translation>
    </message>
    <message>
        <source>The U-Net in {0} has {1} input and {2} output channels; its first stage needs {3} and {4}.</source>
        <translation>{0} 中的 U-Net 有 {1} 个输入通道和 {2} 个输出通道；其第一阶段需要 {3} 和 {4}。</translation>
    </message>
    <message>
        <source>The model in {0} is incomplete: there is no .safetensors file.</source>
        <translation>{0} 中的模型不完整：没有 .safetensors 文件。</translation>
    </message>
    <message>
        <source>{0} cannot be read: {1}.</source>
        <translation>无法读取 {0}：{1}。</translation>
    </message>
    <message>
        <source>{0} does not describe a {1} ({2}).</source>
        <translation>{0} 描述的不是 {1}（{2}）。</translation>
    </message>
    <message>
        <source>The weights in {0} do not fit their config.json: {1} is {2}, expected {3}.</source>
        <translation>{0} 中的权重与其 config.json 不符：{1} 是 {2}，应为 {3}。</translation>
    </message>
    <message>
        <source>This model needs CLIP to see the first frame: install it with “pip install dcvsr-studio[clip]”.</source>
        <translation>此模型需要 CLIP 来查看首帧：请用“pip install dcvsr-studio[clip]”安装。</translation>
    </message>
    <message>
        <source>The image encoder in {0} is missing or damaged ({1}).</source>
        <translation>{0} 中的图像编码器缺失或已损坏（{1}）。</translation>
    </message>
    <message>
        <source>The network is not compiled, and computes plainly: {0}.</source>
        <translation>网络未编译，按普通方式计算：{0}。</translation>
    </message>
    <message>
        <source>{0} is no DC-VSR model: {1} is missing.</source>
        <translation>{0} 不是 DC-VSR 模型：缺少 {1}。</translation>
    </message>
    <message>
        <source>{0} is not understood: {1}.</source>
        <translation>无法理解 {0}：{1}。</translation>
    </message>
    <message>
        <source>The device “{0}” is not available here; choose one of auto, {1}.</source>
        <translation>此处没有设备“{0}”；请选择 auto、{1} 之一。</translation>
    </message>
    <message>
        <source>The config.json in {0} describes {1} layers, but there are only {2} weights.</source>
        <translation>{0} 中的 config.json 描述了 {1} 层，但只有 {2} 个权重。</translation>
    </message>
    <message>
        <source>{0} is damaged or no index of weights ({1}); get it again.</source>
        <translation>{0} 已损坏或不是权重索引（{1}）；请重新获取。</translation>
    </message>
    <message>
        <source>The model in {0} is incomplete: {1}, which its index lists, is missing.</source>
        <translation>{0} 中的模型不完整：缺少其索引列出的 {1}。</translation>
    </message>
    <message>
        <source>{0} holds no decoder in the layout of TAESD or TAESDV; remove it.</source>
        <translation>{0} 中没有 TAESD 或 TAESDV 布局的解码器；请将其移除。</translation>
    </message>
    <message>
        <source>{0} is damaged or no safetensors file ({1}); get it again, or remove it.</source>
        <translation>{0} 已损坏或不是 safetensors 文件（{1}）；请重新获取或将其移除。</translation>
    </message>
    <message>
        <source>The upsampler in “{0}” cannot be used: {1}.</source>
        <translation>无法使用“{0}”中的放大器：{1}。</translation>
    </message>
    <message>
        <source>A single tile does not fit into the device&apos;s memory: choose a smaller tile or window.</source>
        <translation>单个分块也放不进设备内存：请选择更小的分块或窗口。</translation>
    </message>
    <message>
        <source>{0} does not describe a U-Net ({1}); get the model again.</source>
        <translation>{0} 描述的不是 U-Net（{1}）；请重新获取模型。</translation>
    </message>
    <message>
        <source>Memory is short: {0} frames are worked on at once, and joins are seen less far around.</source>
        <translation>内存不足：一次处理 {0} 帧，检查衔接时看到的范围也较小。</translation>
    </message>
    <message>
        <source>Deep features are reused in {0} of {1} steps, not the paper&apos;s; it resumes from the other steps.</source>
        <translation>{1} 步中有 {0} 步复用深层特征，与论文不同；中断后从其他步继续。</translation>
    </message>
    <message>
        <source>Guidance {0} does nothing here: this model&apos;s unconditional branch drops nothing, and γ is 0 in every step.</source>
        <translation>引导 {0} 在此不起作用：此模型的无条件分支没有丢弃任何内容，且每一步的 γ 都为 0。</translation>
    </message>
    <message>
        <source>The video is interlaced ({0}) and is deinterlaced first.</source>
        <translation>视频为隔行扫描（{0}），会先去隔行。</translation>
    </message>
    <message>
        <source>The video is stored turned or mirrored; the result is upright.</source>
        <translation>视频以旋转或镜像方式存储；结果为正立。</translation>
    </message>
    <message>
        <source>The clip is long: cuts are looked for when the job begins.</source>
        <translation>视频较长：任务开始时再查找镜头切换。</translation>
    </message>
    <message>
        <source>Fast tiling: little overlap and a moving grid, not the paper&apos;s.</source>
        <translation>快速分块：重叠少、网格移动，与论文不同。</translation>
    </message>
    <message>
        <source>Steps are those of DPM-Solver++ (2M), not Euler&apos;s.</source>
        <translation>采用 DPM-Solver++ (2M) 的步，而非欧拉步。</translation>
    </message>
    <message>
        <source>Still and doubled frames are restored once: evaluations and time are those of a clip without any.</source>
        <translation>静止和重复的帧只修复一次：计算量和时间按没有此类帧的片段估计。</translation>
    </message>
    <message>
        <source>Flat tiles are enlarged only: evaluations and time are those of a clip without any.</source>
        <translation>平坦的图块只放大：估算的求值次数和时间按没有此类图块计算。</translation>
    </message>
    <message>
        <source>Nothing is compiled: on a processor that gains nothing.</source>
        <translation>未编译任何模块：在处理器上编译没有收益。</translation>
    </message>
    <message>
        <source>The U-Net leaves the device while frames are encoded and decoded, so that more of them fit.</source>
        <translation>编码和解码帧时 U-Net 会离开设备，以容纳更多帧。</translation>
    </message>
    <message>
        <source>Nothing of this network is reused: all of its levels have propagating layers; choose fewer of them, or none.</source>
        <translation>此网络没有可复用的部分：它的每一级都有传播层；请减少传播层或不用传播。</translation>
    </message>
    <message>
        <source>No deep features are reused: that takes paper tiling, two steps at least, and guidance other than SAG.</source>
        <translation>没有复用深层特征：这需要论文的分块方式、至少两步，以及 SAG 以外的引导。</translation>
    </message>
    <message>
        <source>Guidance {0} does nothing at a guidance scale of 1.</source>
        <translation>引导强度为 1 时引导 {0} 不起作用。</translation>
    </message>
    <message>
        <source>Guidance {0} does nothing: no step has a noise level between guidance_low and guidance_high.</source>
        <translation>引导 {0} 不起作用：没有步骤的噪声水平在 guidance_low 与 guidance_high 之间。</translation>
    </message>
    <message>
        <source>The tiles do not fit into the device&apos;s memory: choose a smaller tile or window, or fast tiling.</source>
        <translation>分块放不进设备内存：请选择更小的分块或窗口，或快速分块。</translation>
    </message>
    <message>
        <source>The farm at {0} runs another version of Ray or Python ({1}); install the same on both.</source>
        <translation>位于 {0} 的农场运行的 Ray 或 Python 版本不同（{1}）；请在两边安装相同版本。</translation>
    </message>
    <message>
        <source>“{0}” is no file of a model: only JSON and safetensors are taken.</source>
        <translation>“{0}”不是模型文件：只接受 JSON 和 safetensors。</translation>
    </message>
    <message>
        <source>The model “{0}” was damaged on its way; start the job again.</source>
        <translation>模型“{0}”在传输中损坏；请重新开始任务。</translation>
    </message>
    <message>
        <source>“{0}” is no name of a file that a worker is sent.</source>
        <translation>“{0}”不是会发送给工作进程的文件名。</translation>
    </message>
    <message>
        <source>The model “{0}” cannot be used where it was sent to; install it there.</source>
        <translation>模型“{0}”在接收它的电脑上无法使用；请在那里安装它。</translation>
    </message>
    <message>
        <source>No worker of the farm is left. Finished work is kept: join a computer again, and repeat the command.</source>
        <translation>农场里已没有工作进程。已完成的部分会保留：请再次加入一台电脑，然后重复该命令。</translation>
    </message>
    <message>
        <source>{0} cannot be reached any more.</source>
        <translation>{0} 已无法连接。</translation>
    </message>
    <message>
        <source>{0}, or has another one of that name; install the same there, or have it sent with --send-model.</source>
        <translation>{0}，或者有同名的另一个；请在那里安装相同的，或用 --send-model 发送。</translation>
    </message>
    <message>
        <source>{0} lacks the model “{1}”: it is sent there.</source>
        <translation>{0} 缺少模型“{1}”：正在发送过去。</translation>
    </message>
    <message>
        <source>{0} does not see “{1}” or the input: what it works on is sent there.</source>
        <translation>{0} 看不到“{1}”或输入：它要处理的内容会发送过去。</translation>
    </message>
    <message>
        <source>A worker of the farm was lost ({0}: {1}).</source>
        <translation>农场的一个工作进程丢失（{0}：{1}）。</translation>
    </message>
    <message>
        <source>The model “{0}” is not here any more.</source>
        <translation>模型“{0}”已不在这里。</translation>
    </message>
    <message>
        <source>{0} cannot write what it is sent ({1}).</source>
        <translation>{0} 无法写入收到的内容（{1}）。</translation>
    </message>
    <message>
        <source>Frames {0} to {1} are no range: the first must not be negative or after the last.</source>
        <translation>第 {0} 到 {1} 帧不是范围：起始帧不能为负，也不能在结束帧之后。</translation>
    </message>
    <message>
        <source>“{0}” has {1} frames, so frame {2} is not in it.</source>
        <translation>“{0}”有 {1} 帧，因此没有第 {2} 帧。</translation>
    </message>
    <message>
        <source>The region does not lie inside the picture of {0} × {1} pixels.</source>
        <translation>该区域不在 {0} × {1} 像素的画面内。</translation>
    </message>
    <message>
        <source>The picture is reduced to {0}×{1} before it is restored.</source>
        <translation>画面先缩小到 {0}×{1} 再修复。</translation>
    </message>
    <message>
        <source>The model enlarges {0} times; the rest of the way to {1}×{2} is interpolated.</source>
        <translation>模型放大 {0} 倍；到 {1}×{2} 的其余部分为插值。</translation>
    </message>
    <message>
        <source>The result is smaller than the clip, which has {0}×{1} pixels.</source>
        <translation>结果小于原视频，原视频为 {0}×{1} 像素。</translation>
    </message>
    <message>
        <source>The picture is restored at {0} and scaled down to {1}×{2}.</source>
        <translation>画面以 {0} 修复，再缩小到 {1}×{2}。</translation>
    </message>
    <message>
        <source>Memory ran out: tiles are {0} latents wide instead of {1} from here on, which changes the result.</source>
        <translation>内存不足：从这里起分块宽度由 {1} 改为 {0} 个潜变量，这会改变结果。</translation>
    </message>
    <message>
        <source>Memory ran out: tiles of a frame are denoised in batches that wait for each other from here on.</source>
        <translation>内存不足：从这里起一帧的分块分批去噪并相互等待。</translation>
    </message>
    <message>
        <source>Memory ran out: tiles exchange keys in two passes from here on, which changes the result a little.</source>
        <translation>内存不足：从这里起分块分两遍交换键，这会稍微改变结果。</translation>
    </message>
    <message>
        <source>{0} came out damaged, even in fp32; choose another model, or restore the frames around it alone.</source>
        <translation>即使用 fp32，{0} 仍然损坏；请选择其他模型，或单独修复其前后的帧。</translation>
    </message>
    <message>
        <source>Memory ran out: tiles are denoised {0} at a time from here on.</source>
        <translation>内存不足：从这里起每次去噪 {0} 个分块。</translation>
    </message>
    <message>
        <source>Memory ran out: frames are encoded and decoded {0} at a time from here on, which may show a little.</source>
        <translation>内存不足：从这里起每次编码和解码 {0} 帧，可能略有可见差异。</translation>
    </message>
    <message>
        <source>Memory ran out even with the smallest tiles; close other programs, or restore anew with fewer frames per tile.</source>
        <translation>即使用最小的分块内存也不足；请关闭其他程序，或减少每个分块的帧数后重新修复。</translation>
    </message>
    <message>
        <source>{0} went out of the range of {1} and was computed again in fp32.</source>
        <translation>{0} 超出 {1} 的范围，已用 fp32 重新计算。</translation>
    </message>
    <message>
        <source>Memory ran out: the estimates that guidance compares are computed one after the other from here on.</source>
        <translation>内存不足：从这里起引导所比较的估计逐个计算。</translation>
    </message>
    <message>
        <source>{0} must have at most {1} values, not {2}.</source>
        <translation>{0} 最多有 {1} 个值，而不是 {2} 个。</translation>
    </message>
    <message>
        <source>{0} must be one of {1}, not {2}.</source>
        <translation>{0} 必须是 {1} 之一，而不是 {2}。</translation>
    </message>
    <message>
        <source>{0} must be {1} {2}, not {3}.</source>
        <translation>{0} 必须{1} {2}，而不是 {3}。</translation>
    </message>
    <message>
        <source>{0} must be {1}, not {2}.</source>
        <translation>{0} 必须为 {1}，而不是 {2}。</translation>
    </message>
    <message>
        <source>{0} is wrong: {1} (it is {2}).</source>
        <translation>{0} 有误：{1}（当前为 {2}）。</translation>
    </message>
    <message>
        <source>{0} is missing.</source>
        <translation>缺少 {0}。</translation>
    </message>
    <message>
        <source>The {0} “{1}” is missing.</source>
        <translation>缺少 {0}“{1}”。</translation>
    </message>
    <message>
        <source>{0}s must come as a JSON object, not as {1}.</source>
        <translation>{0} 必须是 JSON 对象，而不是 {1}。</translation>
    </message>
    <message>
        <source>This is not valid JSON: {0}.</source>
        <translation>这不是有效的 JSON：{0}。</translation>
    </message>
    <message>
        <source>Video codec; auto is H.264 for 8-bit and H.265 for 10-bit video, and what keeps transparency: ProRes in .mov, FFV1 in .mkv.</source>
        <translation>视频编码；自动：8 位用 H.264，10 位用 H.265，需保留透明度时 .mov 用 ProRes、.mkv 用 FFV1。</translation>
    </message>
    <message>
        <source>“{0}” cannot be written ({1}).</source>
        <translation>无法写入“{0}”（{1}）。</translation>
    </message>
    <message>
        <source>There is no room left on the disk of “{0}”; free some and resume.</source>
        <translation>“{0}”所在的磁盘已满；请腾出空间后继续。</translation>
    </message>
    <message>
        <source>“{0}” cannot be written ({1}); choose another name.</source>
        <translation>“{0}”无法写入（{1}）；请换一个名称。</translation>
    </message>
    <message>
        <source>“{0}” is the input itself, or holds it; choose another name for the output.</source>
        <translation>“{0}”就是输入本身，或包含输入；请为输出另选名称。</translation>
    </message>
    <message>
        <source>“{0}” is a folder; give the output a file name.</source>
        <translation>“{0}”是文件夹；请为输出指定文件名。</translation>
    </message>
    <message>
        <source>“{0}” holds files already; choose another folder or allow overwriting.</source>
        <translation>“{0}”中已有文件；请另选文件夹或允许覆盖。</translation>
    </message>
    <message>
        <source>“{0}” holds other files than an earlier result; choose another folder.</source>
        <translation>“{0}”中有先前结果以外的文件；请另选文件夹。</translation>
    </message>
    <message>
        <source>The report “{0}” cannot be written ({1}); the result is complete.</source>
        <translation>报告“{0}”无法写入（{1}）；结果是完整的。</translation>
    </message>
    <message>
        <source>“{0}” and “{1}” are one output, or one holds the other; choose two names.</source>
        <translation>“{0}”与“{1}”是同一个输出，或一个包含另一个；请选两个名称。</translation>
    </message>
    <message>
        <source>“{0}” is a file, but pictures need a folder; choose another name.</source>
        <translation>“{0}”是文件，但图片需要文件夹；请另选名称。</translation>
    </message>
    <message>
        <source>“{0}” exists already; choose another name or allow overwriting.</source>
        <translation>“{0}”已存在；请另选名称或允许覆盖。</translation>
    </message>
    <message>
        <source>“{0}” is no picture that can be read ({1}).</source>
        <translation>“{0}”不是可读取的图片（{1}）。</translation>
    </message>
    <message>
        <source>“{0}” has {1} frames and “{2}” {3}; compare a clip with the result of all of it.</source>
        <translation>“{0}”有 {1} 帧，而“{2}”有 {3} 帧；请将视频与其完整结果比较。</translation>
    </message>
    <message>
        <source>“{0}” has no frames from {1} s to {2}; it lasts {3} s.</source>
        <translation>“{0}”在 {1} 秒至 {2} 之间没有帧；其时长为 {3} 秒。</translation>
    </message>
    <message>
        <source>“{0}” has none of these frames of the clip; choose others, or restore it again.</source>
        <translation>“{0}”中没有视频的这些帧；请选择其他帧，或重新修复。</translation>
    </message>
    <message>
        <source>{0} does not work here, as it needs {1}; {2} is encoded by software.</source>
        <translation>{0} 在此不可用，因为它需要 {1}；改由软件编码 {2}。</translation>
    </message>
    <message>
        <source>{0} is left out.</source>
        <translation>{0} 被略去。</translation>
    </message>
    <message>
        <source>The preset must be one of {0}, not “{1}”.</source>
        <translation>编码速度必须是 {0} 之一，而不是“{1}”。</translation>
    </message>
    <message>
        <source>OpenH264 does not take the odd size {0}×{1}; choose another codec, such as AV1.</source>
        <translation>OpenH264 不支持奇数尺寸 {0}×{1}；请选择其他编码，例如 AV1。</translation>
    </message>
    <message>
        <source>{0} is written with {1} bits per channel, the input has {2}.</source>
        <translation>{0} 以每通道 {1} 位写入，输入为 {2} 位。</translation>
    </message>
    <message>
        <source>{0} does not store the HDR10 data on the mastering display; H.265 does.</source>
        <translation>{0} 不保存母版显示器的 HDR10 数据；H.265 可以。</translation>
    </message>
    <message>
        <source>{0}×{1} is an odd size, which {2} keeps with full colour resolution (4:4:4) only.</source>
        <translation>{0}×{1} 是奇数尺寸，{2} 只能以完整色度（4:4:4）保存。</translation>
    </message>
    <message>
        <source>Transparency is kept: its channel is enlarged beside the picture, edges by the model&apos;s upsampler, what is smooth by bicubic interpolation.</source>
        <translation>保留透明度：其通道与画面分开放大，边缘由模型的放大网络处理，平滑处用双三次插值。</translation>
    </message>
    <message>
        <source>“{0}” cannot be sent in parts, as its frames are not found by their time, and is too large to be sent whole; put it on storage that all computers share.</source>
        <translation>“{0}”无法分段发送，因为无法按时间找到其帧，而整个发送又太大；请把它放到所有电脑共享的存储上。</translation>
    </message>
    <message>
        <source>“{0}” is empty.</source>
        <translation>“{0}”是空文件。</translation>
    </message>
    <message>
        <source>“{0}” is damaged or incomplete, or no video.</source>
        <translation>“{0}”已损坏或不完整，或者不是视频。</translation>
    </message>
    <message>
        <source>The {0} is converted to {1}.</source>
        <translation>{0}已转换为 {1}。</translation>
    </message>
    <message>
        <source>The engine on {0} ended unexpectedly ({1}).</source>
        <translation>{0} 上的引擎意外退出（{1}）。</translation>
    </message>
    <message>
        <source>{0} {1}; choose another codec.</source>
        <translation>{0} {1}；请选择其他编码。</translation>
    </message>
    <message>
        <source>{0} pictures go into a folder; name the output without {1}.</source>
        <translation>{0} 图片会存入文件夹；输出名称请去掉 {1}。</translation>
    </message>
    <message>
        <source>“{0}” has no known video suffix; name it {1}.</source>
        <translation>“{0}”没有已知的视频后缀；请命名为 {1}。</translation>
    </message>
    <message>
        <source>{0} does not go into {1}; name the output {2}.</source>
        <translation>{0} 不能放入 {1}；请将输出命名为 {2}。</translation>
    </message>
    <message>
        <source>Segment “{0}” begins before the one before it ends; restore it again.</source>
        <translation>分段“{0}”在前一段结束之前开始；请重新修复。</translation>
    </message>
    <message>
        <source>Segment “{0}” was encoded with other settings than the first; restore it again.</source>
        <translation>分段“{0}”的编码设置与第一段不同；请重新修复。</translation>
    </message>
    <message>
        <source>{0} numbers are missing among the pictures of “{1}” ({2}); they are not filled in.</source>
        <translation>“{1}”的图片中缺少 {0} 个编号（{2}）；不会补齐。</translation>
    </message>
    <message>
        <source>The language “{0}” of a track is not stored; .mkv keeps it.</source>
        <translation>轨道的语言“{0}”不会保存；.mkv 可以保存。</translation>
    </message>
    <message>
        <source>“{0}” holds no pictures; choose a folder with PNG, JPEG, TIFF, WebP, EXR or DPX files.</source>
        <translation>“{0}”中没有图片；请选择含有 PNG、JPEG、TIFF、WebP、EXR 或 DPX 文件的文件夹。</translation>
    </message>
    <message>
        <source>“{0}” is no video that can be read; playlists, texts and audio files are not opened.</source>
        <translation>“{0}”不是可读取的视频；播放列表、文本和音频文件不会打开。</translation>
    </message>
    <message>
        <source>The {0} is left out: only audio, subtitles, covers and attachments are copied.</source>
        <translation>略去 {0}：只复制音频、字幕、封面和附件。</translation>
    </message>
    <message>
        <source>The {0} is left out: it holds no audio.</source>
        <translation>略去 {0}：其中没有音频。</translation>
    </message>
    <message>
        <source>Frame times are rounded to milliseconds: .mkv knows no finer ones, .mp4 and .mov do.</source>
        <translation>帧时间取整到毫秒：.mkv 没有更精细的时间，.mp4 和 .mov 有。</translation>
    </message>
    <message>
        <source>Frame times are rounded to 1/{0} s: in ticks of {1} s a frame is shown for longer than .mp4 and .mov can say.</source>
        <translation>帧时间取整到 1/{0} 秒：以 {1} 秒为单位时，有帧的显示时间超出 .mp4 和 .mov 的表示范围。</translation>
    </message>
    <message>
        <source>The pixel shape {0} is lost: ProRes in .mkv does not say it, in .mov it does.</source>
        <translation>像素形状 {0} 会丢失：.mkv 中的 ProRes 不记录它，.mov 中会记录。</translation>
    </message>
    <message>
        <source>The timecode is left out: it is that of the first frame, which is not restored.</source>
        <translation>略去时间码：它属于未被修复的首帧。</translation>
    </message>
    <message>
        <source>“{0}” cannot be written ({1}); choose another container.</source>
        <translation>无法写入“{0}”（{1}）；请选择其他容器。</translation>
    </message>
    <message>
        <source>Transparency is left out; restored frames are opaque.</source>
        <translation>略去透明度；修复后的帧不透明。</translation>
    </message>
    <message>
        <source>The closed captions inside the pictures are left out.</source>
        <translation>画面内的隐藏字幕被略去。</translation>
    </message>
    <message>
        <source>The output does not say that this is a 360° video; players show it flat.</source>
        <translation>输出不会标明这是 360° 视频；播放器将平面显示。</translation>
    </message>
    <message>
        <source>The output does not say that its pictures hold two views (3D).</source>
        <translation>输出不会标明其画面含两个视图（3D）。</translation>
    </message>
    <message>
        <source>No picture of “{0}” can be decoded ({1}); the file is damaged.</source>
        <translation>“{0}”没有可解码的画面（{1}）；文件已损坏。</translation>
    </message>
    <message>
        <source>“{0}” holds a kind of video that cannot be decoded here.</source>
        <translation>“{0}”中的视频类型无法在此解码。</translation>
    </message>
    <message>
        <source>“{0}” claims {1}×{2} pixels; the most that can be read is 16384×16384.</source>
        <translation>“{0}”声称有 {1}×{2} 像素；最多可读取 16384×16384。</translation>
    </message>
    <message>
        <source>“{0}” holds no frames.</source>
        <translation>“{0}”中没有帧。</translation>
    </message>
    <message>
        <source>The segments hold {0}, not {1}; restore them again.</source>
        <translation>各分段为 {0}，而不是 {1}；请重新修复。</translation>
    </message>
    <message>
        <source>Frame {0} of “{1}” cannot be decoded.</source>
        <translation>“{1}”的第 {0} 帧无法解码。</translation>
    </message>
    <message>
        <source>“{0}” has no frames that can be decoded.</source>
        <translation>“{0}”没有可解码的帧。</translation>
    </message>
    <message>
        <source>The colours of “{0}” change on the way ({1}); all frames are converted to those of the first.</source>
        <translation>“{0}”的色彩中途改变（{1}）；所有帧都转换为首帧的色彩。</translation>
    </message>
    <message>
        <source>Frame {0} of “{1}” is {2}×{3} pixels, the first is {4}×{5}; restore parts of different size one by one.</source>
        <translation>“{1}”的第 {0} 帧为 {2}×{3} 像素，首帧为 {4}×{5}；请分别修复不同尺寸的部分。</translation>
    </message>
    <message>
        <source>“{0}” breaks off ({1}); it is restored up to there.</source>
        <translation>“{0}”中断（{1}）；将修复到该处。</translation>
    </message>
    <message>
        <source>between {0} and {1}</source>
        <translation>{0} 到 {1} 之间</translation>
    </message>
    <message>
        <source>at least {0}</source>
        <translation>至少 {0}</translation>
    </message>
    <message>
        <source>at most {0}</source>
        <translation>至多 {0}</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>整数</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>数字</translation>
    </message>
    <message>
        <source>a finite number</source>
        <translation>有限的数字</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>true 或 false</translation>
    </message>
    <message>
        <source>“{0}” is no address of a farm: give a computer, or COMPUTER:PORT, or “local”.</source>
        <translation>“{0}”不是农场的地址：请给出计算机名，或“计算机名:端口”，或“local”。</translation>
    </message>
    <message>
        <source>The farm at {0} cannot be reached any more. Finished work is kept: start it again, and then the same command.</source>
        <translation>{0} 的农场已无法连接。已完成的部分会保留：请重新启动农场，然后再次执行同样的操作。</translation>
    </message>
    <message>
        <source>The frames do not fit into memory: close other programs, or choose a smaller size.</source>
        <translation>帧放不进内存：请关闭其他程序或选择更小的尺寸。</translation>
    </message>
    <message>
        <source>There is not enough disk space: {0} are needed, {1} are free; free some, or restore a shorter part.</source>
        <translation>磁盘空间不足：需要 {0}，可用 {1}；请腾出空间，或修复更短的部分。</translation>
    </message>
    <message>
        <source>Light is restored as sRGB; values above 1 (brighter than white) and below 0 are enlarged linearly beside it.</source>
        <translation>光线值按 sRGB 修复；大于 1（比白色更亮）和小于 0 的部分另以线性插值放大。</translation>
    </message>
    <message>
        <source>Light is restored and written as sRGB; values above 1 (brighter than white) and below 0 are clipped. EXR keeps them.</source>
        <translation>光线值按 sRGB 修复并写出；大于 1（比白色更亮）和小于 0 的值会被截断。EXR 可保留它们。</translation>
    </message>
    <message>
        <source>The DPX holds film densities (logarithmic), which are restored as they are, not developed: they look flat.</source>
        <translation>此 DPX 存储胶片密度（对数），按原样修复而不作转换：看起来会偏灰。</translation>
    </message>
    <message>
        <source>The clock of “{0}” jumps {1} on the way, as in recordings that were put together; picture and audio follow each other without a gap.</source>
        <translation>“{0}”的时钟中途跳变（{1}），如拼接的录像；画面和声音会无间隙衔接。</translation>
    </message>
    <message>
        <source>Audio and subtitles are left out: pictures have none; .mp4, .mov or .mkv do.</source>
        <translation>略去声音和字幕：图片没有这些；.mp4、.mov 或 .mkv 有。</translation>
    </message>
    <message>
        <source>PNG, TIFF, EXR and DPX pictures, ProRes in .mov and FFV1 in .mkv would keep the transparency.</source>
        <translation>PNG、TIFF、EXR 和 DPX 图片、.mov 中的 ProRes 以及 .mkv 中的 FFV1 可保留透明度。</translation>
    </message>
    <message>
        <source>Frames {0} to {1} of “{2}” are damaged and left out.</source>
        <translation>“{2}”的第 {0} 到 {1} 帧已损坏，被略去。</translation>
    </message>
    <message>
        <source>Some frames of “{0}” are damaged ({1}).</source>
        <translation>“{0}”的部分帧已损坏（{1}）。</translation>
    </message>
    <message>
        <source>The pixel shape of “{0}” changes on the way; the output says that of the first frame.</source>
        <translation>“{0}”的像素形状中途改变；输出采用首帧的形状。</translation>
    </message>
    <message>
        <source>The other tracks end early, where the input breaks off ({0}).</source>
        <translation>其他轨道提前结束于输入中断处（{0}）。</translation>
    </message>
    <message>
        <source>“{0}” is not a regular file (a pipe, a device or a folder); choose a video file.</source>
        <translation>“{0}”不是普通文件（管道、设备或文件夹）；请选择视频文件。</translation>
    </message>
    <message>
        <source>“{0}” may not be read; check its permissions.</source>
        <translation>没有读取“{0}”的权限；请检查其权限。</translation>
    </message>
    <message>
        <source>“{0}” has no video track; choose a file with pictures in it.</source>
        <translation>“{0}”没有视频轨道；请选择有画面的文件。</translation>
    </message>
    <message>
        <source>“{0}” is no video that can be read ({1}).</source>
        <translation>“{0}”不是可读取的视频（{1}）。</translation>
    </message>
    <message>
        <source>“{0}” does not exist; check the name.</source>
        <translation>“{0}”不存在；请检查名称。</translation>
    </message>
    <message>
        <source>“{0}” cannot be read ({1}); check the name.</source>
        <translation>无法读取“{0}”（{1}）；请检查名称。</translation>
    </message>
    <message>
        <source>“{0}” cannot be read ({1}); check its permissions.</source>
        <translation>无法读取“{0}”（{1}）；请检查其权限。</translation>
    </message>
    <message>
        <source>The {0} is converted to {1}{2}.</source>
        <translation>{0} 会转换为 {1}{2}。</translation>
    </message>
    <message>
        <source>The {0} is left out: this container cannot hold it{1}.</source>
        <translation>略去 {0}：此容器无法容纳{1}。</translation>
    </message>
    <message>
        <source>The {0} is left out: it cannot be copied ({1}).</source>
        <translation>略去 {0}：无法复制（{1}）。</translation>
    </message>
    <message>
        <source>A frame of “{0}” is shown for {1} hours, longer than MP4 and MOV files can store; name the output .mkv, with another codec than ProRes, or PNG pictures.</source>
        <translation>“{0}”有一帧显示 {1} 小时，超出 MP4 和 MOV 文件的存储范围；请将输出命名为 .mkv 并使用 ProRes 以外的编码，或输出 PNG 图片。</translation>
    </message>
    <message>
        <source>The folder “{0}” does not exist; create it or choose another.</source>
        <translation>文件夹“{0}”不存在；请创建或另选。</translation>
    </message>
    <message>
        <source>“{0}” cannot be written ({1}); choose another place.</source>
        <translation>无法写入“{0}”（{1}）；请另选位置。</translation>
    </message>
    <message>
        <source>{0} cannot be encoded at {1}×{2} ({3}); choose another codec.</source>
        <translation>无法以 {1}×{2} 编码 {0}（{3}）；请选择其他编码。</translation>
    </message>
</context>
<context>
    <name>Exports</name>
    <message>
        <source>Save the frame</source>
        <translation>保存当前帧</translation>
    </message>
    <message>
        <source>The frame is on the clipboard: {size} pixels.</source>
        <translation>当前帧已复制到剪贴板：{size} 像素。</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>{name} is saved.</source>
        <translation>{name} 已保存。</translation>
    </message>
    <message>
        <source>Save the before/after video</source>
        <translation>保存修复前后对比视频</translation>
    </message>
    <message>
        <source>The engine has begun something else: save the video when it is done.</source>
        <translation>引擎已开始处理其他任务：请在其完成后再保存视频。</translation>
    </message>
</context>
<context>
    <name>FarmCommand</name>
    <message>
        <source>The farm ended unexpectedly (exit code {code}).</source>
        <translation>农场意外结束（退出代码 {code}）。</translation>
    </message>
</context>
<context>
    <name>FarmDialog</name>
    <message>
        <source>Farm</source>
        <translation>农场</translation>
    </message>
    <message>
        <source>&amp;Restore clips on this farm</source>
        <translation>在这个农场上修复视频(&amp;R)</translation>
    </message>
    <message>
        <source>Several computers restore your clips together: one of them starts a farm, the others join it. Program and model are the same on all of them. This computer leaves when the window is closed.</source>
        <translation>多台计算机一起修复您的视频：其中一台启动农场，其他的加入。所有计算机上的程序和模型必须相同。关闭窗口时，本机会离开农场。</translation>
    </message>
    <message>
        <source>Several computers work together only on Linux; on this system a farm is this computer alone.</source>
        <translation>多台计算机协作仅支持 Linux；在此系统上，农场只包含本机。</translation>
    </message>
    <message>
        <source>Address of this computer</source>
        <translation>本机地址</translation>
    </message>
    <message>
        <source>this computer only ({address})</source>
        <translation>仅限本机（{address}）</translation>
    </message>
    <message>
        <source>{address}, for other computers</source>
        <translation>{address}，供其他计算机加入</translation>
    </message>
    <message>
        <source>Address of the farm</source>
        <translation>农场地址</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>令牌</translation>
    </message>
    <message>
        <source>what the first computer shows</source>
        <translation>第一台计算机上显示的令牌</translation>
    </message>
    <message>
        <source>The devices of this computer &amp;work, too</source>
        <translation>本机的设备也参与计算(&amp;W)</translation>
    </message>
    <message>
        <source>Start &amp;here, for</source>
        <translation>在本机启动，用于(&amp;H)</translation>
    </message>
    <message>
        <source>Or &amp;join the one at</source>
        <translation>或加入位于此处的农场(&amp;J)</translation>
    </message>
    <message>
        <source>&amp;Token</source>
        <translation>令牌(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Start a farm on this computer</source>
        <translation>在本机启动农场(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Connect</source>
        <translation>连接(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Leave</source>
        <translation>离开(&amp;L)</translation>
    </message>
    <message>
        <source>Command that joins from another computer</source>
        <translation>从另一台计算机加入的命令</translation>
    </message>
    <message>
        <source>Co&amp;py</source>
        <translation>复制(&amp;P)</translation>
    </message>
    <message>
        <source>Copy the command with the token. Whoever has it can run programs on this farm.</source>
        <translation>复制带令牌的命令。拥有令牌的人可以在这个农场上运行程序。</translation>
    </message>
    <message>
        <source>On the others:</source>
        <translation>在其他计算机上：</translation>
    </message>
    <message>
        <source>Devices of the farm</source>
        <translation>农场的设备</translation>
    </message>
    <message>
        <source>Computer</source>
        <translation>计算机</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Now</source>
        <translation>当前</translation>
    </message>
    <message>
        <source>Versions differ from this computer&apos;s: {versions}. Install the same on all.</source>
        <translation>版本与本机不同：{versions}。请在所有计算机上安装相同的版本。</translation>
    </message>
    <message>
        <source>this computer</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>This computer is in the farm at {address}.</source>
        <translation>本机已加入农场 {address}。</translation>
    </message>
    <message>
        <source>Others cannot join: for that, leave and start it for an address of this computer.</source>
        <translation>其他计算机无法加入：如需加入，请先离开，再选择本机的一个地址启动农场。</translation>
    </message>
    <message>
        <source>Entering the farm at {address} …</source>
        <translation>正在进入农场 {address}…</translation>
    </message>
    <message>
        <source>Leaving …</source>
        <translation>正在离开…</translation>
    </message>
    <message>
        <source>This computer is in no farm.</source>
        <translation>本机未加入任何农场。</translation>
    </message>
    <message>
        <source>This bundle cannot be in a farm: that needs Ray, with which only an installation by pip can be extended.</source>
        <translation>此安装包不能加入农场：农场需要 Ray，而只有通过 pip 安装的程序才能添加 Ray。</translation>
    </message>
    <message>
        <source>idle</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>does not answer</source>
        <translation>没有响应</translation>
    </message>
    <message>
        <source>segment {number}/{segments}</source>
        <translation>段 {number}/{segments}</translation>
    </message>
    <message>
        <source>begins</source>
        <translation>即将开始</translation>
    </message>
    <message>
        <source>waits for others</source>
        <translation>等待其他设备</translation>
    </message>
</context>
<context>
    <name>Formats</name>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} 秒</translation>
    </message>
    <message>
        <source>{minutes} min</source>
        <translation>{minutes} 分钟</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min</source>
        <translation>{hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <source>{hours} h</source>
        <translation>{hours} 小时</translation>
    </message>
</context>
<context>
    <name>FrameTrack</name>
    <message>
        <source>Timeline</source>
        <translation>时间轴</translation>
    </message>
    <message>
        <source>Drag to go to a frame; drag the brackets to set the range; the wheel zooms in time.</source>
        <translation>拖动可跳转到某一帧；拖动括号可设定范围；滚轮缩放时间轴。</translation>
    </message>
    <message>
        <source>Blue: the selected range. Green, below: restored frames. Grey, above: frames that are ready to be shown.</source>
        <translation>蓝色：所选范围。下方绿色：已修复的帧。上方灰色：可以立即显示的帧。</translation>
    </message>
    <message>
        <source>Frame {frame}: restored</source>
        <translation>第 {frame} 帧：已修复</translation>
    </message>
    <message>
        <source>Frame {frame}: not restored yet</source>
        <translation>第 {frame} 帧：尚未修复</translation>
    </message>
</context>
<context>
    <name>GammaCurve</name>
    <message>
        <source>γ over the steps</source>
        <translation>各步的 γ</translation>
    </message>
    <message>
        <source>γ goes from {first:.2f} in the first step to {last:.2f} in the last.</source>
        <translation>γ 从第一步的 {first:.2f} 变到最后一步的 {last:.2f}。</translation>
    </message>
    <message>
        <source>step 1</source>
        <translation>第 1 步</translation>
    </message>
</context>
<context>
    <name>GpuDialog</name>
    <message>
        <source>Use my GPU</source>
        <translation>使用我的 GPU</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>PyTorch</source>
        <translation>PyTorch</translation>
    </message>
    <message>
        <source>Package index</source>
        <translation>软件包索引</translation>
    </message>
    <message>
        <source>only those configured for pip</source>
        <translation>仅 pip 中已配置的</translation>
    </message>
    <message>
        <source>Address of a further package index that has CUDA builds of PyTorch for this system.</source>
        <translation>另一个软件包索引的地址，其中有适用于本系统的 PyTorch CUDA 版本。</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Package &amp;index</source>
        <translation>软件包索引(&amp;I)</translation>
    </message>
    <message>
        <source>&amp;Install</source>
        <translation>安装(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation>移除(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>停止(&amp;S)</translation>
    </message>
    <message>
        <source>On a Mac there is nothing to install: the program uses Apple&apos;s GPU by itself.</source>
        <translation>在 Mac 上无需安装任何东西：程序会自动使用 Apple 的 GPU。</translation>
    </message>
    <message>
        <source>The program computes on the processor, which works everywhere but is slow. With an NVIDIA GPU it can fetch a CUDA build of PyTorch, several gigabytes, into a folder of its own; nothing else on this computer is changed.</source>
        <translation>程序在处理器上计算，随处可用，但速度较慢。如有 NVIDIA GPU，程序可以把 CUDA 版 PyTorch（数 GB）下载到自己的文件夹；不会改动这台计算机上的其他内容。</translation>
    </message>
    <message>
        <source>The bundled build already uses {gpu}.</source>
        <translation>随程序附带的版本已在使用 {gpu}。</translation>
    </message>
    <message>
        <source>the bundled build</source>
        <translation>随程序附带的版本</translation>
    </message>
    <message>
        <source>It works. From the next start, the engine uses {gpu}.</source>
        <translation>可以使用。下次启动后，引擎将使用 {gpu}。</translation>
    </message>
    <message>
        <source>Removed. From the next start, the engine uses the processor.</source>
        <translation>已移除。下次启动后，引擎将使用处理器。</translation>
    </message>
    <message>
        <source>Stopped. Downloaded files are kept for the next try.</source>
        <translation>已停止。已下载的文件会保留，供下次使用。</translation>
    </message>
    <message>
        <source>There is no NVIDIA GPU with a driver in this computer.</source>
        <translation>这台电脑上没有装好驱动的 NVIDIA GPU。</translation>
    </message>
    <message>
        <source>driver {version}</source>
        <translation>驱动 {version}</translation>
    </message>
    <message>
        <source>{version} for CUDA {cuda}, {size} in {folder}</source>
        <translation>{version}，用于 CUDA {cuda}，{size}，位于 {folder}</translation>
    </message>
</context>
<context>
    <name>GuideDialog</name>
    <message>
        <source>Guide</source>
        <translation>使用指南</translation>
    </message>
    <message>
        <source>Contents</source>
        <translation>目录</translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>removing {name}</source>
        <translation>移除 {name}</translation>
    </message>
    <message>
        <source>removing {count} clips</source>
        <translation>移除 {count} 个视频</translation>
    </message>
    <message>
        <source>output file</source>
        <translation>输出文件</translation>
    </message>
    <message>
        <source>model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>“{name}” is being restored; this can be undone or redone when it is done.</source>
        <translation>正在修复“{name}”；完成后才能撤销或重做此操作。</translation>
    </message>
</context>
<context>
    <name>LicenceDialog</name>
    <message>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>I have read the licence and accept it</source>
        <translation>我已阅读并接受该许可证</translation>
    </message>
    <message>
        <source>I have read both licences and accept them</source>
        <translation>我已阅读并接受这两份许可证</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>About {size} are downloaded from {place}.</source>
        <translation>将从 {place} 下载约 {size}。</translation>
    </message>
</context>
<context>
    <name>LogPanel</name>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>Nothing has happened yet.</source>
        <translation>还没有任何记录。</translation>
    </message>
    <message>
        <source>Copy all</source>
        <translation>全部复制</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清空</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Run</source>
        <translation>运行</translation>
    </message>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>In the preview</source>
        <translation>预览中</translation>
    </message>
    <message>
        <source>Clips that seem to have a result already, which is being looked at: {count} …</source>
        <translation>似乎已有结果、正在检查的视频：{count}……</translation>
    </message>
    <message>
        <source>More results that are not whole: {count}.</source>
        <translation>其他不完整的结果：{count} 个。</translation>
    </message>
    <message>
        <source>Left out, as their results are there: {count}.</source>
        <translation>已有结果而跳过：{count} 个。</translation>
    </message>
    <message>
        <source>Its clip is restored beside it.</source>
        <translation>将在旁边重新修复该视频。</translation>
    </message>
    <message>
        <source>Add them all the same</source>
        <translation>仍然加入</translation>
    </message>
    <message>
        <source>Folders inside “{names}” hold clips, too.</source>
        <translation>“{names}”的子文件夹里也有视频。</translation>
    </message>
    <message>
        <source>Add those, too</source>
        <translation>也添加它们</translation>
    </message>
</context>
<context>
    <name>Messages</name>
    <message>
        <source>{name} was not restored</source>
        <translation>{name} 未能修复</translation>
    </message>
</context>
<context>
    <name>ModelsDialog</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>State</source>
        <translation>状态</translation>
    </message>
    <message>
        <source>Facts about the model</source>
        <translation>模型信息</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>使用此模型</translation>
    </message>
    <message>
        <source>Make default</source>
        <translation>设为默认</translation>
    </message>
    <message>
        <source>Download…</source>
        <translation>下载…</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>校验</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>删除…</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>A &amp;folder…</source>
        <translation>文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>A &amp;safetensors file…</source>
        <translation>safetensors 文件(&amp;S)…</translation>
    </message>
    <message>
        <source>built in</source>
        <translation>内置</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>可用</translation>
    </message>
    <message>
        <source>ready, used in place</source>
        <translation>就绪，就地使用</translation>
    </message>
    <message>
        <source>base of other models</source>
        <translation>其他模型的基础</translation>
    </message>
    <message>
        <source>{names} – not declared; “dcvsr models probe” finds out which values fit</source>
        <translation>{names}——未声明；“dcvsr models probe”可找出合适的值</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>放大倍数</translation>
    </message>
    <message>
        <source>Based on</source>
        <translation>基于</translation>
    </message>
    <message>
        <source>{name} was cancelled; a download can be resumed later.</source>
        <translation>已取消 {name}；下载可以稍后继续。</translation>
    </message>
    <message>
        <source>Wait until the current operation is done, then import again.</source>
        <translation>请等当前操作完成后再导入。</translation>
    </message>
    <message>
        <source>{name}: all files are unchanged since the model was added.</source>
        <translation>{name}：自添加以来，所有文件均未改变。</translation>
    </message>
    <message>
        <source>{name} ({size}) will be deleted.</source>
        <translation>将删除 {name}（{size}）。</translation>
    </message>
    <message>
        <source>cannot be used</source>
        <translation>无法使用</translation>
    </message>
    <message>
        <source>can be downloaded</source>
        <translation>可下载</translation>
    </message>
    <message>
        <source>{share} downloaded</source>
        <translation>已下载 {share}</translation>
    </message>
    <message>
        <source>import one</source>
        <translation>请导入</translation>
    </message>
    <message>
        <source>default</source>
        <translation>默认</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>about {size} ({how})</source>
        <translation>约 {size}（{how}）</translation>
    </message>
    <message>
        <source>{place} (asks for an access token)</source>
        <translation>{place}（需要访问令牌）</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>From</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>Trained on</source>
        <translation>训练数据</translation>
    </message>
    <message>
        <source>not declared</source>
        <translation>未声明</translation>
    </message>
    <message>
        <source>Steps and guidance</source>
        <translation>步数与引导</translation>
    </message>
    <message>
        <source>Tiles</source>
        <translation>分块</translation>
    </message>
    <message>
        <source>Noise range σ</source>
        <translation>噪声范围 σ</translation>
    </message>
    <message>
        <source>Assumed</source>
        <translation>假定值</translation>
    </message>
    <message>
        <source>{done} of {total}</source>
        <translation>{done} / {total}</translation>
    </message>
    <message>
        <source>{amount} per second</source>
        <translation>每秒 {amount}</translation>
    </message>
    <message>
        <source>{name} is downloaded.</source>
        <translation>{name} 已下载。</translation>
    </message>
    <message>
        <source>Import a model</source>
        <translation>导入模型</translation>
    </message>
    <message>
        <source>{name} is imported.</source>
        <translation>{name} 已导入。</translation>
    </message>
    <message>
        <source>Remove {name}?</source>
        <translation>删除 {name}？</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
</context>
<context>
    <name>ModelsMenu</name>
    <message>
        <source>Checkpoint folder</source>
        <translation>检查点文件夹</translation>
    </message>
</context>
<context>
    <name>NoticeBar</name>
    <message>
        <source>Notice</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>Close the notice</source>
        <translation>关闭通知</translation>
    </message>
</context>
<context>
    <name>Phases</name>
    <message>
        <source>loading the model</source>
        <translation>正在加载模型</translation>
    </message>
    <message>
        <source>detecting shots</source>
        <translation>正在检测镜头</translation>
    </message>
    <message>
        <source>preparing frames</source>
        <translation>正在准备画面</translation>
    </message>
    <message>
        <source>restoring</source>
        <translation>正在修复</translation>
    </message>
    <message>
        <source>finishing frames</source>
        <translation>正在完成画面</translation>
    </message>
    <message>
        <source>writing</source>
        <translation>正在写入</translation>
    </message>
    <message>
        <source>finishing the file</source>
        <translation>正在完成文件</translation>
    </message>
</context>
<context>
    <name>PlanDialog</name>
    <message>
        <source>Plan for {name}</source>
        <translation>{name} 的计划</translation>
    </message>
    <message>
        <source>Planning …</source>
        <translation>正在规划…</translation>
    </message>
    <message>
        <source>Estimating</source>
        <translation>正在估算</translation>
    </message>
    <message>
        <source>Show this before every run</source>
        <translation>每次运行前显示</translation>
    </message>
    <message>
        <source>Start, with {others} more after it</source>
        <translation>开始，之后还有 {others} 个</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>开始</translation>
    </message>
    <message>
        <source>Frames</source>
        <translation>帧数</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>尺寸</translation>
    </message>
    <message>
        <source>Work</source>
        <translation>工作量</translation>
    </message>
    <message>
        <source>Problems</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>All {clips} clips: {frames} frames, files of about {size}, about {time}</source>
        <translation>全部 {clips} 个视频：{frames} 帧，文件约 {size}，约 {time}</translation>
    </message>
    <message>
        <source>{planned} of {clips} clips: {frames} frames, files of about {size}, about {time}</source>
        <translation>{clips} 个视频中的 {planned} 个：{frames} 帧，文件约 {size}，约 {time}</translation>
    </message>
    <message>
        <source>This fits:</source>
        <translation>以下方案可行:</translation>
    </message>
    <message>
        <source>tiles: {tiles}, frames encoded or decoded: {frames}</source>
        <translation>分块：{tiles}，编码或解码的帧：{frames}</translation>
    </message>
    <message>
        <source>In one batch</source>
        <translation>每批</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>about {time}</source>
        <translation>约 {time}</translation>
    </message>
    <message>
        <source>measuring …</source>
        <translation>正在测量…</translation>
    </message>
    <message>
        <source>not measured</source>
        <translation>未测量</translation>
    </message>
    <message>
        <source>Device memory</source>
        <translation>设备内存</translation>
    </message>
    <message>
        <source>Main memory</source>
        <translation>主内存</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Size of the file</source>
        <translation>文件大小</translation>
    </message>
    <message>
        <source>about {size}</source>
        <translation>约 {size}</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Looking for settings that fit …</source>
        <translation>正在寻找可行的设置…</translation>
    </message>
    <message>
        <source>This may do better:</source>
        <translation>这样可能更好：</translation>
    </message>
    <message>
        <source>segments: {segments}, tiles: {tiles}, steps: {steps}, network evaluations: {evaluations}</source>
        <translation>段：{segments}，分块：{tiles}，步数：{steps}，网络计算次数：{evaluations}</translation>
    </message>
    <message>
        <source>{needed} of {available}</source>
        <translation>{needed} / {available}</translation>
    </message>
</context>
<context>
    <name>Planning</name>
    <message>
        <source>Reduce the picture first, ÷{factor}: it has no more detail than that</source>
        <translation>先缩小画面，÷{factor}：它没有更多细节</translation>
    </message>
    <message>
        <source>Use {size}: the result has {pixels} pixels</source>
        <translation>改用 {size}：结果为 {pixels} 像素</translation>
    </message>
    <message>
        <source>Smaller tiles: {tile}×{tile}, slower and with less context</source>
        <translation>更小的图块:{tile}×{tile},更慢且上下文更少</translation>
    </message>
    <message>
        <source>needs {memory} of memory</source>
        <translation>需要 {memory} 内存</translation>
    </message>
    <message>
        <source>The engine has ended; cancel this, and try again.</source>
        <translation>引擎已结束；请取消后重试。</translation>
    </message>
</context>
<context>
    <name>Power</name>
    <message>
        <source>nothing</source>
        <translation>无操作</translation>
    </message>
    <message>
        <source>a sound</source>
        <translation>播放声音</translation>
    </message>
    <message>
        <source>a notification</source>
        <translation>发出通知</translation>
    </message>
    <message>
        <source>sleep</source>
        <translation>睡眠</translation>
    </message>
    <message>
        <source>shut down</source>
        <translation>关机</translation>
    </message>
    <message>
        <source>run a command</source>
        <translation>运行命令</translation>
    </message>
</context>
<context>
    <name>PreferencesDialog</name>
    <message>
        <source>Preferences</source>
        <translation>首选项</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>语言(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Appearance</source>
        <translation>外观(&amp;A)</translation>
    </message>
    <message>
        <source>Beside each clip</source>
        <translation>与各视频同一位置</translation>
    </message>
    <message>
        <source>Folder for results</source>
        <translation>结果文件夹</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose the folder for results</source>
        <translation>选择结果文件夹</translation>
    </message>
    <message>
        <source>Names of results</source>
        <translation>结果名称</translation>
    </message>
    <message>
        <source>{name} is the clip&apos;s name, {size} the result&apos;s size, {model} the model.</source>
        <translation>{name} 为视频名称，{size} 为结果尺寸，{model} 为模型。</translation>
    </message>
    <message>
        <source>&amp;Keep subfolders in the folder for results</source>
        <translation>在结果文件夹中保留子文件夹(&amp;K)</translation>
    </message>
    <message>
        <source>Look for clips in s&amp;ubfolders, too</source>
        <translation>同时在子文件夹中查找视频(&amp;U)</translation>
    </message>
    <message>
        <source>Leave out clips of a folder that ha&amp;ve a result</source>
        <translation>略去文件夹中已有结果的视频(&amp;V)</translation>
    </message>
    <message>
        <source>F&amp;older</source>
        <translation>文件夹(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;General</source>
        <translation>常规(&amp;G)</translation>
    </message>
    <message>
        <source>&amp;Results</source>
        <translation>结果(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Unattended and folders</source>
        <translation>无人值守与文件夹(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Name</source>
        <translation>名称(&amp;N)</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Folders of clips</source>
        <translation>视频文件夹</translation>
    </message>
    <message>
        <source>Give the whole path, from its beginning.</source>
        <translation>请给出完整的路径。</translation>
    </message>
    <message>
        <source>Nothing can be written there ({reason}); choose another folder.</source>
        <translation>那里无法写入（{reason}）；请选择其他文件夹。</translation>
    </message>
    <message>
        <source>holiday.avi becomes {name}</source>
        <translation>holiday.avi 将成为 {name}</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>all</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>How many threads compute on the processor; from the next start on.</source>
        <translation>处理器上用于计算的线程数；下次启动后生效。</translation>
    </message>
    <message>
        <source>Show the &amp;plan before every run</source>
        <translation>每次运行前显示计划(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Device for new clips</source>
        <translation>新视频使用的设备(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;Threads (next start)</source>
        <translation>线程数（下次启动）(&amp;T)</translation>
    </message>
    <message>
        <source>Computing</source>
        <translation>计算</translation>
    </message>
    <message>
        <source>After the queue</source>
        <translation>队列完成后</translation>
    </message>
    <message>
        <source>Command after the queue</source>
        <translation>队列完成后运行的命令</translation>
    </message>
    <message>
        <source>for example: rsync -a results nas:</source>
        <translation>例如：rsync -a results nas:</translation>
    </message>
    <message>
        <source>A&amp;fterwards</source>
        <translation>之后(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Command</source>
        <translation>命令(&amp;C)</translation>
    </message>
    <message>
        <source>When all clips are done</source>
        <translation>所有视频完成时</translation>
    </message>
    <message>
        <source>Folders</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open the folder: {name}</source>
        <translation>打开文件夹：{name}</translation>
    </message>
</context>
<context>
    <name>PreferencesMenu</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Unfinished work</source>
        <translation>未完成的工作</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>日志</translation>
    </message>
</context>
<context>
    <name>PreviewPanel</name>
    <message>
        <source>Preview panel</source>
        <translation>预览面板</translation>
    </message>
    <message>
        <source>Show the tiles that the picture is processed in, and the progress of each (T).</source>
        <translation>显示处理画面所用的分块及各分块的进度 (T)。</translation>
    </message>
    <message>
        <source>A magnifier follows the pointer and shows both pictures (M).</source>
        <translation>放大镜跟随指针并显示两个画面(M)。</translation>
    </message>
    <message>
        <source>Show one pixel of the result on one pixel of the screen (1).</source>
        <translation>以屏幕的一个像素显示结果的一个像素 (1)。</translation>
    </message>
    <message>
        <source>Start the selected range at this frame (I).</source>
        <translation>所选范围从这一帧开始 (I)。</translation>
    </message>
    <message>
        <source>End the selected range with this frame (O).</source>
        <translation>所选范围到这一帧结束 (O)。</translation>
    </message>
    <message>
        <source>Side by side</source>
        <translation>并排</translation>
    </message>
    <message>
        <source>Show input and result next to each other (S).</source>
        <translation>并排显示输入和结果 (S)。</translation>
    </message>
    <message>
        <source>Wipe</source>
        <translation>划像</translation>
    </message>
    <message>
        <source>Split the picture by a line; drag it or use the arrow keys (W).</source>
        <translation>用一条线分割画面；可拖动它或用方向键移动 (W)。</translation>
    </message>
    <message>
        <source>A/B</source>
        <translation>A/B</translation>
    </message>
    <message>
        <source>Show the result, and the input while Space is held (A).</source>
        <translation>显示结果，按住空格时显示输入 (A)。</translation>
    </message>
    <message>
        <source>Difference</source>
        <translation>差异</translation>
    </message>
    <message>
        <source>Show what the result changes, amplified (D).</source>
        <translation>放大显示结果所作的改变 (D)。</translation>
    </message>
    <message>
        <source>Tiles</source>
        <translation>分块</translation>
    </message>
    <message>
        <source>Loupe</source>
        <translation>放大镜</translation>
    </message>
    <message>
        <source>1:1</source>
        <translation>1:1</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>适合窗口</translation>
    </message>
    <message>
        <source>Show the whole picture (F, or double-click).</source>
        <translation>显示整幅画面（F 或双击）。</translation>
    </message>
    <message>
        <source>Enlarge the picture (+, or the wheel).</source>
        <translation>放大画面（+ 或滚轮）。</translation>
    </message>
    <message>
        <source>Shrink the picture (−, or the wheel).</source>
        <translation>缩小画面（− 或滚轮）。</translation>
    </message>
    <message>
        <source>Preview only what is seen now (R); Shift and drag selects another part.</source>
        <translation>只预览当前可见部分（R）；按住 Shift 拖动可选择其他部分。</translation>
    </message>
    <message>
        <source>Preview the whole picture again (Esc).</source>
        <translation>重新预览整个画面（Esc）。</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Select the visible part</source>
        <translation>选择可见部分</translation>
    </message>
    <message>
        <source>Clear the selection</source>
        <translation>清除选择</translation>
    </message>
    <message>
        <source>Go back one frame (← or ,).</source>
        <translation>后退一帧(← 或 ,)。</translation>
    </message>
    <message>
        <source>Go forward one frame (→ or .).</source>
        <translation>前进一帧(→ 或 .)。</translation>
    </message>
    <message>
        <source>Play the selected range, or pause (Space or P).</source>
        <translation>播放所选范围或暂停(空格或 P)。</translation>
    </message>
    <message>
        <source>Play the selected range backwards (J).</source>
        <translation>倒放所选范围(J)。</translation>
    </message>
    <message>
        <source>Stop playing (K).</source>
        <translation>停止播放(K)。</translation>
    </message>
    <message>
        <source>Play the selected range forwards (L).</source>
        <translation>播放所选范围(L)。</translation>
    </message>
    <message>
        <source>Mute the sound, or let it be heard again (Shift+M).</source>
        <translation>静音，或恢复声音（Shift+M）。</translation>
    </message>
    <message>
        <source>Play or pause</source>
        <translation>播放或暂停</translation>
    </message>
    <message>
        <source>Play backwards</source>
        <translation>倒放</translation>
    </message>
    <message>
        <source>Stop playing</source>
        <translation>停止播放</translation>
    </message>
    <message>
        <source>Play forwards</source>
        <translation>正放</translation>
    </message>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Set in point</source>
        <translation>设置入点</translation>
    </message>
    <message>
        <source>Set out point</source>
        <translation>设置出点</translation>
    </message>
    <message>
        <source>Previous frame</source>
        <translation>上一帧</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>原始</translation>
    </message>
    <message>
        <source>Restored</source>
        <translation>修复后</translation>
    </message>
    <message>
        <source>Preview {variant}</source>
        <translation>预览 {variant}</translation>
    </message>
    <message>
        <source>Next frame</source>
        <translation>下一帧</translation>
    </message>
    <message>
        <source>Preview tools</source>
        <translation>预览工具</translation>
    </message>
    <message>
        <source>Amplification</source>
        <translation>放大倍率</translation>
    </message>
    <message>
        <source>How many times the difference is amplified.</source>
        <translation>差异放大的倍数。</translation>
    </message>
    <message>
        <source>Left picture</source>
        <translation>左侧画面</translation>
    </message>
    <message>
        <source>What is shown on the left, or as A.</source>
        <translation>左侧（或作为 A）显示的内容。</translation>
    </message>
    <message>
        <source>Right picture</source>
        <translation>右侧画面</translation>
    </message>
    <message>
        <source>What is shown on the right, or as B.</source>
        <translation>右侧（或作为 B）显示的内容。</translation>
    </message>
    <message>
        <source>vs</source>
        <translation>对比</translation>
    </message>
    <message>
        <source>Opening {name} …</source>
        <translation>正在打开 {name}……</translation>
    </message>
    <message>
        <source>This clip cannot be opened</source>
        <translation>无法打开此视频</translation>
    </message>
    <message>
        <source>This frame cannot be shown</source>
        <translation>无法显示此帧</translation>
    </message>
</context>
<context>
    <name>ProgressPanel</name>
    <message>
        <source>Current job</source>
        <translation>当前任务</translation>
    </message>
    <message>
        <source>Speed and time left</source>
        <translation>速度和剩余时间</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>What happens by itself</source>
        <translation>自动进行的事项</translation>
    </message>
    <message>
        <source>Memory in use</source>
        <translation>已用内存</translation>
    </message>
    <message>
        <source>estimating</source>
        <translation>正在估算</translation>
    </message>
    <message>
        <source>pausing after this tile</source>
        <translation>将在此分块后暂停</translation>
    </message>
    <message>
        <source>paused, GPU memory is free</source>
        <translation>已暂停,显存已释放</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>cancelling after this tile</source>
        <translation>将在此分块后取消</translation>
    </message>
    <message>
        <source>Preview {variant} of {name}</source>
        <translation>{name} 的预览 {variant}</translation>
    </message>
    <message>
        <source>{name} before and after</source>
        <translation>{name} 修复前后对比</translation>
    </message>
    <message>
        <source>{name} on the farm</source>
        <translation>{name}（农场）</translation>
    </message>
    <message>
        <source>starting …</source>
        <translation>正在启动……</translation>
    </message>
    <message>
        <source>step {step}/{steps} {kind}</source>
        <translation>步骤 {step}/{steps} {kind}</translation>
    </message>
    <message>
        <source>tile {done}/{total}</source>
        <translation>分块 {done}/{total}</translation>
    </message>
    <message>
        <source>frame {done}/{total}</source>
        <translation>帧 {done}/{total}</translation>
    </message>
    <message>
        <source>segment {number}/{segments}</source>
        <translation>段 {number}/{segments}</translation>
    </message>
    <message>
        <source>{seconds} s/frame</source>
        <translation>{seconds} 秒/帧</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>剩余 {time}</translation>
    </message>
    <message>
        <source>RAM</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
</context>
<context>
    <name>QAbstractFileIconProvider</name>
    <message>
        <source>Folder</source>
        <comment>All other platforms</comment>
        <translation>文件夹</translation>
    </message>
</context>
<context>
    <name>QFileDialog</name>
    <message>
        <source>&amp;Look in:</source>
        <translation>查找范围(&amp;L)：</translation>
    </message>
    <message>
        <source>Files of &amp;type:</source>
        <translation>文件类型(&amp;T)：</translation>
    </message>
</context>
<context>
    <name>QueueModel</name>
    <message>
        <source>waiting to resume</source>
        <translation>等待继续</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>running</source>
        <translation>运行中</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>done</source>
        <translation>完成</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>cancelled</source>
        <translation>已取消</translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation>已中断</translation>
    </message>
</context>
<context>
    <name>QueuePanel</name>
    <message>
        <source>Add clips…</source>
        <translation>添加视频…</translation>
    </message>
    <message>
        <source>Add videos to the queue (Ctrl+O); folders and files can be dropped here, too.</source>
        <translation>将视频加入队列(Ctrl+O);也可将文件和文件夹拖到这里。</translation>
    </message>
</context>
<context>
    <name>QueueView</name>
    <message>
        <source>Queue</source>
        <translation>队列</translation>
    </message>
    <message>
        <source>Drop clips or folders here</source>
        <translation>将视频或文件夹拖放到这里</translation>
    </message>
</context>
<context>
    <name>RecentMenu</name>
    <message>
        <source>Open &amp;recent</source>
        <translation>最近打开(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Forget these</source>
        <translation>清除这些记录(&amp;F)</translation>
    </message>
</context>
<context>
    <name>ReportPanel</name>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Copy as JSON</source>
        <translation>复制为 JSON</translation>
    </message>
    <message>
        <source>Choose a restored clip in the queue.</source>
        <translation>请在队列中选择一个已修复的视频。</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>是</translation>
    </message>
    <message>
        <source>no</source>
        <translation>否</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>加载模型</translation>
    </message>
    <message>
        <source>Detecting shots</source>
        <translation>检测镜头</translation>
    </message>
    <message>
        <source>Encoding into latents</source>
        <translation>编码为潜变量</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>Decoding into frames</source>
        <translation>解码为帧</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>写入</translation>
    </message>
    <message>
        <source>Finishing the file</source>
        <translation>完成文件</translation>
    </message>
    <message>
        <source>Clip</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>Frames in</source>
        <translation>输入帧数</translation>
    </message>
    <message>
        <source>Frames out</source>
        <translation>输出帧数</translation>
    </message>
    <message>
        <source>Size in</source>
        <translation>输入尺寸</translation>
    </message>
    <message>
        <source>Size restored from</source>
        <translation>复原所用尺寸</translation>
    </message>
    <message>
        <source>Size out</source>
        <translation>输出尺寸</translation>
    </message>
    <message>
        <source>Size of the file</source>
        <translation>文件大小</translation>
    </message>
    <message>
        <source>Duration</source>
        <translation>时长</translation>
    </message>
    <message>
        <source>Segments</source>
        <translation>段数</translation>
    </message>
    <message>
        <source>Shots</source>
        <translation>镜头</translation>
    </message>
    <message>
        <source>Audio offset in milliseconds</source>
        <translation>音频偏移(毫秒)</translation>
    </message>
    <message>
        <source>Seams (1: no seams)</source>
        <translation>接缝(1 表示没有)</translation>
    </message>
    <message>
        <source>Joins of segments</source>
        <translation>分段衔接</translation>
    </message>
    <message>
        <source>Change at joins (1 is as elsewhere)</source>
        <translation>衔接处的变化(1 表示与别处相同)</translation>
    </message>
    <message>
        <source>Rank of joins among all changes</source>
        <translation>衔接处在所有变化中的排名</translation>
    </message>
    <message>
        <source>Output settings</source>
        <translation>输出设置</translation>
    </message>
    <message>
        <source>Resumed from an earlier run</source>
        <translation>从先前的运行恢复</translation>
    </message>
    <message>
        <source>Files of the model (SHA-256)</source>
        <translation>模型文件(SHA-256)</translation>
    </message>
    <message>
        <source>Time of writing, beside the rest</source>
        <translation>写入时间(与其他并行)</translation>
    </message>
    <message>
        <source>Share of time waiting for the video</source>
        <translation>等待视频的时间占比</translation>
    </message>
    <message>
        <source>Network evaluations</source>
        <translation>网络计算次数</translation>
    </message>
    <message>
        <source>Time per phase</source>
        <translation>各阶段用时</translation>
    </message>
    <message>
        <source>Time in the network</source>
        <translation>网络用时</translation>
    </message>
    <message>
        <source>Peak memory</source>
        <translation>内存峰值</translation>
    </message>
    <message>
        <source>Black or damaged frames</source>
        <translation>黑帧或损坏的帧</translation>
    </message>
    <message>
        <source>Frames shown again, not restored</source>
        <translation>重复显示而未修复的帧</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Notes</source>
        <translation>备注</translation>
    </message>
</context>
<context>
    <name>RunDisplay</name>
    <message>
        <source>Drop a clip on the window to begin.</source>
        <translation>将视频拖放到窗口即可开始。</translation>
    </message>
    <message>
        <source>{name} is ready.</source>
        <translation>{name} 已完成。</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>{count} results are ready, the last one is {name}.</source>
        <translation>{count} 个结果已就绪,最后一个是 {name}。</translation>
    </message>
    <message>
        <source>{name} was cancelled.</source>
        <translation>{name} 已取消。</translation>
    </message>
    <message>
        <source>It can be resumed {from_where}.</source>
        <translation>可以{from_where}继续。</translation>
    </message>
    <message>
        <source>Start again</source>
        <translation>重新开始</translation>
    </message>
    <message>
        <source>The before/after video was not written</source>
        <translation>未能写入修复前后对比视频</translation>
    </message>
    <message>
        <source>The engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>The engine does not start (exit code {code}). The log may say why.</source>
        <translation>引擎无法启动（退出代码 {code}）。日志中可能有原因。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Show the log</source>
        <translation>显示日志</translation>
    </message>
    <message>
        <source>The PyTorch for your GPU does not start (exit code {code}); the engine runs without the GPU.</source>
        <translation>适用于您的 GPU 的 PyTorch 无法启动（退出代码 {code}）；引擎在不使用 GPU 的情况下运行。</translation>
    </message>
    <message>
        <source>Use my GPU…</source>
        <translation>使用我的 GPU…</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly (exit code {code}) and was restarted.</source>
        <translation>引擎意外结束（退出代码 {code}），已重新启动。</translation>
    </message>
    <message>
        <source>{name} can be resumed {from_where}.</source>
        <translation>{name} 可以{from_where}恢复。</translation>
    </message>
    <message>
        <source>{name} has to start again.</source>
        <translation>{name} 需要重新开始。</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>SelectedItems</name>
    <message>
        <source>“{name}” is not there any more; restore the clip again.</source>
        <translation>“{name}”已不存在；请重新修复该视频。</translation>
    </message>
    <message>
        <source>No program on this computer opens “{name}”; install a player.</source>
        <translation>这台电脑上没有能打开“{name}”的程序；请安装播放器。</translation>
    </message>
    <message>
        <source>Report of {name}</source>
        <translation>{name} 的报告</translation>
    </message>
    <message>
        <source>{name} has not been restored yet.</source>
        <translation>{name} 还没有修复。</translation>
    </message>
</context>
<context>
    <name>SettingRow</name>
    <message>
        <source>Reset to the default</source>
        <translation>恢复默认值</translation>
    </message>
    <message>
        <source>Reset {setting}</source>
        <translation>重置{setting}</translation>
    </message>
</context>
<context>
    <name>Settings</name>
    <message>
        <source>Balanced</source>
        <translation>均衡</translation>
    </message>
    <message>
        <source>What the model&apos;s makers recommend.</source>
        <translation>模型作者推荐的设置。</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>快速</translation>
    </message>
    <message>
        <source>Half the steps, no guidance and little overlap of tiles: several times faster, less detail.</source>
        <translation>步数减半、无引导、分块重叠少：快数倍，细节较少。</translation>
    </message>
    <message>
        <source>Paper</source>
        <translation>论文</translation>
    </message>
    <message>
        <source>As the paper describes it: 25 steps, half-overlapping tiles, exact attention propagation. The slowest.</source>
        <translation>按论文所述：25 步、分块重叠一半、精确的注意力传播。最慢。</translation>
    </message>
    <message>
        <source>Paper, quicker</source>
        <translation>论文（减少计算）</translation>
    </message>
    <message>
        <source>The paper&apos;s tiles and propagation with fewer steps, guidance in some of them only, and deep features reused.</source>
        <translation>采用论文的分块与传播，但步数更少、只在部分步中引导，并复用深层特征。</translation>
    </message>
    <message>
        <source>Heavy degradation</source>
        <translation>严重退化</translation>
    </message>
    <message>
        <source>For very blurred, blocky or noisy clips: detail stays suppressed for longer and more frames are shared.</source>
        <translation>适合非常模糊、块状或多噪的视频：细节抑制持续更久，共享更多帧。</translation>
    </message>
    <message>
        <source>Animation</source>
        <translation>动画</translation>
    </message>
    <message>
        <source>For drawn video: detail stays suppressed for longer, colours are matched as a whole.</source>
        <translation>适合手绘视频：细节抑制持续更久，颜色整体匹配。</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Which model restores: a name from “dcvsr models list” or a checkpoint folder.</source>
        <translation>用哪个模型修复：“dcvsr models list” 中的名称或检查点文件夹。</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>步数</translation>
    </message>
    <message>
        <source>Solver</source>
        <translation>求解器</translation>
    </message>
    <message>
        <source>How a step follows from the estimates: euler, as in Stable Video Diffusion, or dpmpp-2m, for few steps.</source>
        <translation>如何由估计值得到下一步：euler 与 Stable Video Diffusion 相同，dpmpp-2m 适合较少的步数。</translation>
    </message>
    <message>
        <source>DPM-Solver++ (2M)</source>
        <translation>DPM-Solver++ (2M)</translation>
    </message>
    <message>
        <source>Still frames once, up to</source>
        <translation>静止帧只修复一次，相差至多</translation>
    </message>
    <message>
        <source>Frames that differ nowhere by more than so many levels of 255 are restored once; 0 restores every frame.</source>
        <translation>处处相差不超过这么多级（共 255 级）的帧只修复一次；0 则修复每一帧。</translation>
    </message>
    <message>
        <source>Only enlarge tiles flat to</source>
        <translation>只放大平坦图块，起伏至多</translation>
    </message>
    <message>
        <source>Tiles such as black bars, flat to so many levels of 255, are enlarged only; 0 restores every tile.</source>
        <translation>起伏不超过此值（以 255 级计）的图块（例如黑边）只放大不修复；0 表示修复所有图块。</translation>
    </message>
    <message>
        <source>Steps per whole evaluation</source>
        <translation>每几步完整计算一次</translation>
    </message>
    <message>
        <source>Evaluate the deep part of the U-Net in every so many steps only; its features serve in those between.</source>
        <translation>每隔这么多步才计算 U-Net 的深层部分；其间的步使用它的特征。</translation>
    </message>
    <message>
        <source>Guidance</source>
        <translation>引导</translation>
    </message>
    <message>
        <source>How detail is sharpened; dssag is the paper&apos;s, none is fastest.</source>
        <translation>如何锐化细节；dssag 是论文的方法，none 最快。</translation>
    </message>
    <message>
        <source>None (fastest)</source>
        <translation>无（最快）</translation>
    </message>
    <message>
        <source>CFG</source>
        <translation>CFG</translation>
    </message>
    <message>
        <source>SAG</source>
        <translation>SAG</translation>
    </message>
    <message>
        <source>PAG</source>
        <translation>PAG</translation>
    </message>
    <message>
        <source>DSSAG (the paper&apos;s)</source>
        <translation>DSSAG（论文方法）</translation>
    </message>
    <message>
        <source>Guidance scale</source>
        <translation>引导强度</translation>
    </message>
    <message>
        <source>How strongly guidance sharpens; 1 is no guidance.</source>
        <translation>引导锐化的强度；1 表示无引导。</translation>
    </message>
    <message>
        <source>γ peak</source>
        <translation>γ 峰值</translation>
    </message>
    <message>
        <source>ρ</source>
        <translation>ρ</translation>
    </message>
    <message>
        <source>Shape of the γ curve: small for heavily damaged or drawn video, large for light damage.</source>
        <translation>γ 曲线的形状：严重损坏或手绘视频用小值，轻微损坏用大值。</translation>
    </message>
    <message>
        <source>γ over the steps</source>
        <translation>各步的 γ</translation>
    </message>
    <message>
        <source>Falling (the paper&apos;s)</source>
        <translation>下降（论文方法）</translation>
    </message>
    <message>
        <source>SAP: tiles of a frame see each other</source>
        <translation>SAP：同帧分块互相可见</translation>
    </message>
    <message>
        <source>Spatial attention propagation: tiles of a frame see each other at every second step.</source>
        <translation>空间注意力传播：每隔一步，同一帧的分块互相可见。</translation>
    </message>
    <message>
        <source>SAP schedule</source>
        <translation>SAP 方式</translation>
    </message>
    <message>
        <source>How tiles exchange keys: lockstep or staged (exact), two-pass (least memory) or cached (fast).</source>
        <translation>分块如何交换键：lockstep 或 staged（精确）、two-pass（内存最少）或 cached（快）。</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Lockstep (exact)</source>
        <translation>同步（精确）</translation>
    </message>
    <message>
        <source>Staged (exact, less memory)</source>
        <translation>分段（精确，内存较少）</translation>
    </message>
    <message>
        <source>Two-pass (least memory)</source>
        <translation>两遍（内存最少）</translation>
    </message>
    <message>
        <source>Cached (fast)</source>
        <translation>缓存（快）</translation>
    </message>
    <message>
        <source>SAP rate s</source>
        <translation>SAP 间隔 s</translation>
    </message>
    <message>
        <source>TAP: neighbouring windows see each other</source>
        <translation>TAP：相邻窗口互相可见</translation>
    </message>
    <message>
        <source>Temporal attention propagation: neighbouring frame windows see each other at every second step.</source>
        <translation>时间注意力传播：每隔一步，相邻的帧窗口互相可见。</translation>
    </message>
    <message>
        <source>TAP frames L</source>
        <translation>TAP 帧数 L</translation>
    </message>
    <message>
        <source>TAP direction</source>
        <translation>TAP 方向</translation>
    </message>
    <message>
        <source>Forward</source>
        <translation>向前</translation>
    </message>
    <message>
        <source>Backward</source>
        <translation>向后</translation>
    </message>
    <message>
        <source>Tiling</source>
        <translation>分块方式</translation>
    </message>
    <message>
        <source>paper: half-overlapping tiles; fast: little overlap with a grid that moves at every step.</source>
        <translation>论文：分块重叠一半；快速：重叠少，网格每步移动。</translation>
    </message>
    <message>
        <source>Tile side</source>
        <translation>分块边长</translation>
    </message>
    <message>
        <source>Side of a tile in latent pixels.</source>
        <translation>分块的边长（潜在像素）。</translation>
    </message>
    <message>
        <source>Tile frames</source>
        <translation>分块帧数</translation>
    </message>
    <message>
        <source>Frames in a tile.</source>
        <translation>一个分块中的帧数。</translation>
    </message>
    <message>
        <source>Overlap</source>
        <translation>重叠</translation>
    </message>
    <message>
        <source>Share of a tile that overlaps the next (paper tiling).</source>
        <translation>分块与下一个重叠的比例（论文分块）。</translation>
    </message>
    <message>
        <source>Segment frames</source>
        <translation>每段帧数</translation>
    </message>
    <message>
        <source>Frames worked on at once; longer shots are cut into joined segments.</source>
        <translation>一次处理的帧数；更长的镜头会切成相连的段。</translation>
    </message>
    <message>
        <source>Order of segments</source>
        <translation>段的顺序</translation>
    </message>
    <message>
        <source>Whether a segment waits for the one before it, or every other one for both beside it: for several devices.</source>
        <translation>每一段等待前一段，或每隔一段等待两侧的段：适合多个设备。</translation>
    </message>
    <message>
        <source>One after the other</source>
        <translation>依次</translation>
    </message>
    <message>
        <source>Every other one first (for several devices)</source>
        <translation>先隔段处理（适合多个设备）</translation>
    </message>
    <message>
        <source>How much of the refinement is used: 0 is the enlarged input alone, 1 the full result.</source>
        <translation>采用多少细化：0 只是放大的输入，1 是完整的结果。</translation>
    </message>
    <message>
        <source>Calm</source>
        <translation>平静</translation>
    </message>
    <message>
        <source>Detailed</source>
        <translation>细致</translation>
    </message>
    <message>
        <source>Film grain</source>
        <translation>胶片颗粒</translation>
    </message>
    <message>
        <source>Film grain that is added to the result: its standard deviation at mid grey in levels of 255; 0 adds none.</source>
        <translation>给结果添加的胶片颗粒：其在中灰处的标准差，以 255 级为单位；0 表示不添加。</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>How the result&apos;s colours are held to the input&apos;s.</source>
        <translation>如何使结果的颜色与输入保持一致。</translation>
    </message>
    <message>
        <source>Wavelet</source>
        <translation>小波</translation>
    </message>
    <message>
        <source>AdaIN</source>
        <translation>AdaIN</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>Start of the random noise; the same seed gives the same frames.</source>
        <translation>随机噪声的起点；相同的种子得到相同的画面。</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>精度</translation>
    </message>
    <message>
        <source>Number format of the network; auto is the fastest that the device does well.</source>
        <translation>网络的数值格式；自动即设备能胜任的最快格式。</translation>
    </message>
    <message>
        <source>32-bit float</source>
        <translation>32 位浮点</translation>
    </message>
    <message>
        <source>bfloat16</source>
        <translation>bfloat16</translation>
    </message>
    <message>
        <source>16-bit float</source>
        <translation>16 位浮点</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>What computes; auto: a CUDA (or ROCm) GPU, Intel&apos;s, Apple&apos;s, or the processor; several: cuda:0,cuda:1.</source>
        <translation>用什么计算；自动：CUDA（或 ROCm）显卡、英特尔显卡、苹果显卡或处理器；多个设备：cuda:0,cuda:1。</translation>
    </message>
    <message>
        <source>NVIDIA GPU (CUDA)</source>
        <translation>NVIDIA GPU（CUDA）</translation>
    </message>
    <message>
        <source>Intel GPU</source>
        <translation>Intel GPU</translation>
    </message>
    <message>
        <source>Apple GPU</source>
        <translation>Apple GPU</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Tiles at once</source>
        <translation>同时处理的分块</translation>
    </message>
    <message>
        <source>Tiles denoised together; 0 chooses what fits. The same result up to rounding.</source>
        <translation>一起去噪的分块数；0 表示自动选择。除舍入误差外结果相同。</translation>
    </message>
    <message>
        <source>Compile the network</source>
        <translation>编译网络</translation>
    </message>
    <message>
        <source>Transformer blocks</source>
        <translation>Transformer 模块</translation>
    </message>
    <message>
        <source>Transformer and residual blocks</source>
        <translation>Transformer 模块和残差模块</translation>
    </message>
    <message>
        <source>Order of SAP and TAP</source>
        <translation>SAP 与 TAP 的顺序</translation>
    </message>
    <message>
        <source>Order of SAP and TAP steps: in turns and ending with TAP, as in the paper, or with SAP; or in two halves.</source>
        <translation>SAP 步与 TAP 步的顺序：交替并以 TAP 结束（如论文），或以 SAP 结束；或各占一半。</translation>
    </message>
    <message>
        <source>In turns, TAP last (the paper&apos;s)</source>
        <translation>交替，TAP 在最后（论文方法）</translation>
    </message>
    <message>
        <source>In turns, SAP last</source>
        <translation>交替，SAP 在最后</translation>
    </message>
    <message>
        <source>First half SAP, then TAP</source>
        <translation>前半 SAP，后半 TAP</translation>
    </message>
    <message>
        <source>First half TAP, then SAP</source>
        <translation>前半 TAP，后半 SAP</translation>
    </message>
    <message>
        <source>Propagating layers</source>
        <translation>传播层数</translation>
    </message>
    <message>
        <source>How many spatial attention layers propagate at either end of the U-Net.</source>
        <translation>U-Net 两端各有多少个空间注意力层参与传播。</translation>
    </message>
    <message>
        <source>Layers with γ</source>
        <translation>使用 γ 的层</translation>
    </message>
    <message>
        <source>Which spatial attention layers of the U-Net get γ.</source>
        <translation>U-Net 的哪些空间注意力层使用 γ。</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Down blocks</source>
        <translation>下采样块</translation>
    </message>
    <message>
        <source>Middle block</source>
        <translation>中间块</translation>
    </message>
    <message>
        <source>Up blocks</source>
        <translation>上采样块</translation>
    </message>
    <message>
        <source>Guidance from σ</source>
        <translation>引导起始 σ</translation>
    </message>
    <message>
        <source>Guidance acts in steps of at least this noise level σ.</source>
        <translation>仅在噪声水平 σ 不低于此值的步中使用引导。</translation>
    </message>
    <message>
        <source>Guidance up to σ</source>
        <translation>引导上限 σ</translation>
    </message>
    <message>
        <source>Guidance acts in steps of at most this noise level σ.</source>
        <translation>仅在噪声水平 σ 不高于此值的步中使用引导。</translation>
    </message>
    <message>
        <source>SAG and PAG scale</source>
        <translation>SAG 与 PAG 强度</translation>
    </message>
    <message>
        <source>Scale of SAG and PAG, as a multiple of the s of the guidance scale 1 + s.</source>
        <translation>SAG 与 PAG 的强度，为引导强度 1 + s 中 s 的倍数。</translation>
    </message>
    <message>
        <source>ρ of noise levels</source>
        <translation>噪声水平的 ρ</translation>
    </message>
    <message>
        <source>ρ of the noise levels: larger values make more of the steps at low noise.</source>
        <translation>噪声水平的 ρ：值越大，低噪声处的步数越多。</translation>
    </message>
    <message>
        <source>Overlap in time</source>
        <translation>时间重叠</translation>
    </message>
    <message>
        <source>Overlap of tiles in time, as a multiple of their overlap in space; 0.75 at most.</source>
        <translation>分块在时间上的重叠，为空间重叠的倍数；最多 0.75。</translation>
    </message>
    <message>
        <source>Width of the Gaussian</source>
        <translation>高斯宽度</translation>
    </message>
    <message>
        <source>Width of the Gaussian that merges tiles, as a multiple of the tiling&apos;s own.</source>
        <translation>合并分块所用高斯的宽度，为该分块方式自身宽度的倍数。</translation>
    </message>
    <message>
        <source>Frame that CLIP sees</source>
        <translation>CLIP 所见的帧</translation>
    </message>
    <message>
        <source>Which frame of a segment CLIP sees, for models that declare that it sees one.</source>
        <translation>CLIP 看到片段中的哪一帧（仅用于声明会看到一帧的模型）。</translation>
    </message>
    <message>
        <source>First</source>
        <translation>第一帧</translation>
    </message>
    <message>
        <source>Middle</source>
        <translation>中间帧</translation>
    </message>
    <message>
        <source>Last</source>
        <translation>最后一帧</translation>
    </message>
    <message>
        <source>Codec</source>
        <translation>编码格式</translation>
    </message>
    <message>
        <source>Video codec; auto is H.264 for 8-bit and H.265 for 10-bit video, and what keeps transparency: ProRes in .mov, FFV1 in .mkv.</source>
        <translation>视频编码；自动即 8 位用 H.264、10 位用 H.265；有透明度时用能保留它的格式：.mov 用 ProRes、.mkv 用 FFV1。</translation>
    </message>
    <message>
        <source>H.264</source>
        <translation>H.264</translation>
    </message>
    <message>
        <source>H.265</source>
        <translation>H.265</translation>
    </message>
    <message>
        <source>AV1</source>
        <translation>AV1</translation>
    </message>
    <message>
        <source>FFV1 (lossless)</source>
        <translation>FFV1（无损）</translation>
    </message>
    <message>
        <source>ProRes</source>
        <translation>ProRes</translation>
    </message>
    <message>
        <source>PNG pictures</source>
        <translation>PNG 图片</translation>
    </message>
    <message>
        <source>TIFF pictures</source>
        <translation>TIFF 图片</translation>
    </message>
    <message>
        <source>EXR pictures (linear light)</source>
        <translation>EXR 图片（线性光）</translation>
    </message>
    <message>
        <source>DPX pictures</source>
        <translation>DPX 图片</translation>
    </message>
    <message>
        <source>H.264 on the NVIDIA GPU</source>
        <translation>NVIDIA GPU 上的 H.264</translation>
    </message>
    <message>
        <source>H.265 on the NVIDIA GPU</source>
        <translation>NVIDIA GPU 上的 H.265</translation>
    </message>
    <message>
        <source>H.264 on the Intel GPU</source>
        <translation>H.264（Intel GPU）</translation>
    </message>
    <message>
        <source>H.265 on the Intel GPU</source>
        <translation>H.265（Intel GPU）</translation>
    </message>
    <message>
        <source>H.264 on the AMD GPU</source>
        <translation>H.264（AMD GPU）</translation>
    </message>
    <message>
        <source>H.265 on the AMD GPU</source>
        <translation>H.265（AMD GPU）</translation>
    </message>
    <message>
        <source>H.264 by VA-API (Linux)</source>
        <translation>H.264（VA-API，Linux）</translation>
    </message>
    <message>
        <source>H.265 by VA-API (Linux)</source>
        <translation>H.265（VA-API，Linux）</translation>
    </message>
    <message>
        <source>H.264 on the Mac&apos;s encoder</source>
        <translation>H.264（Mac 编码器）</translation>
    </message>
    <message>
        <source>H.265 on the Mac&apos;s encoder</source>
        <translation>H.265（Mac 编码器）</translation>
    </message>
    <message>
        <source>Quality (CRF)</source>
        <translation>质量 (CRF)</translation>
    </message>
    <message>
        <source>Encoder speed</source>
        <translation>编码速度</translation>
    </message>
    <message>
        <source>The encoder&apos;s speed preset.</source>
        <translation>编码器的速度预设。</translation>
    </message>
    <message>
        <source>Ultra fast</source>
        <translation>极快</translation>
    </message>
    <message>
        <source>Very fast</source>
        <translation>很快</translation>
    </message>
    <message>
        <source>Medium</source>
        <translation>中等</translation>
    </message>
    <message>
        <source>Slow</source>
        <translation>慢</translation>
    </message>
    <message>
        <source>Very slow</source>
        <translation>很慢</translation>
    </message>
    <message>
        <source>Bit depth</source>
        <translation>位深</translation>
    </message>
    <message>
        <source>Tracks that do not fit</source>
        <translation>容器不支持的轨道</translation>
    </message>
    <message>
        <source>Audio and subtitles that the container cannot take: convert them, drop them, or name the result .mkv.</source>
        <translation>容器无法容纳的音频和字幕：转换、丢弃，或将结果命名为 .mkv。</translation>
    </message>
    <message>
        <source>Convert</source>
        <translation>转换</translation>
    </message>
    <message>
        <source>Drop</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <source>Use .mkv</source>
        <translation>改用 .mkv</translation>
    </message>
    <message>
        <source>Frame rate of pictures</source>
        <translation>图片序列帧率</translation>
    </message>
    <message>
        <source>Frames per second of a sequence of pictures; auto: what they say themselves, or 25.</source>
        <translation>图片序列每秒的帧数；auto：按图片自身的说明，否则为 25。</translation>
    </message>
    <message>
        <source>23.976</source>
        <translation>23.976</translation>
    </message>
    <message>
        <source>24</source>
        <translation>24</translation>
    </message>
    <message>
        <source>25</source>
        <translation>25</translation>
    </message>
    <message>
        <source>29.97</source>
        <translation>29.97</translation>
    </message>
    <message>
        <source>30</source>
        <translation>30</translation>
    </message>
    <message>
        <source>50</source>
        <translation>50</translation>
    </message>
    <message>
        <source>59.94</source>
        <translation>59.94</translation>
    </message>
    <message>
        <source>60</source>
        <translation>60</translation>
    </message>
    <message>
        <source>Names of pictures</source>
        <translation>图片名称</translation>
    </message>
    <message>
        <source>What pictures are called in their folder: text and their number, as shot.%04d.</source>
        <translation>图片在文件夹中的名称：文字加编号，如 shot.%04d。</translation>
    </message>
    <message>
        <source>000001</source>
        <translation>000001</translation>
    </message>
    <message>
        <source>0001</source>
        <translation>0001</translation>
    </message>
    <message>
        <source>frame.0001</source>
        <translation>frame.0001</translation>
    </message>
    <message>
        <source>Compact (built in)</source>
        <translation>精简模型（内置）</translation>
    </message>
    <message>
        <source>Our own small network of SVD&apos;s U-Net class, trained from scratch on photographs; not the paper&apos;s model.</source>
        <translation>我们自己的小型网络，属于 SVD 的 U-Net 类，用照片从零训练；不是论文的模型。</translation>
    </message>
    <message>
        <source>Photographs from Debian packages; see README.md in this folder.</source>
        <translation>Debian 软件包中的照片；见此文件夹中的 README.md。</translation>
    </message>
    <message>
        <source>Sampling steps: more steps refine further and take longer.</source>
        <translation>采样步数：步数越多，细化越充分，耗时也越长。</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>尺寸</translation>
    </message>
    <message>
        <source>Size of the result: x1 to x4, 1080p, 1440p, 4k or WIDTHxHEIGHT; auto is the model&apos;s factor, up to 4K.</source>
        <translation>结果的尺寸：x1 至 x4、1080p、1440p、4k 或 宽x高；自动为模型自身的倍数，最高 4K。</translation>
    </message>
    <message>
        <source>Automatic, up to 4K</source>
        <translation>自动，最高 4K</translation>
    </message>
    <message>
        <source>×1 (restore only)</source>
        <translation>×1（仅复原）</translation>
    </message>
    <message>
        <source>×2</source>
        <translation>×2</translation>
    </message>
    <message>
        <source>×3</source>
        <translation>×3</translation>
    </message>
    <message>
        <source>×4</source>
        <translation>×4</translation>
    </message>
    <message>
        <source>1080p</source>
        <translation>1080p</translation>
    </message>
    <message>
        <source>1440p</source>
        <translation>1440p</translation>
    </message>
    <message>
        <source>4K</source>
        <translation>4K</translation>
    </message>
    <message>
        <source>Reduce first</source>
        <translation>先缩小</translation>
    </message>
    <message>
        <source>Restore from a picture so many times smaller, where a clip is soft or was enlarged badly; auto measures it.</source>
        <translation>从缩小若干倍的画面复原，适用于画面模糊或曾被拙劣放大的视频；自动则实测决定。</translation>
    </message>
    <message>
        <source>No</source>
        <translation>不缩小</translation>
    </message>
    <message>
        <source>As measured</source>
        <translation>按实测</translation>
    </message>
    <message>
        <source>÷1.5</source>
        <translation>÷1.5</translation>
    </message>
    <message>
        <source>÷2</source>
        <translation>÷2</translation>
    </message>
    <message>
        <source>÷3</source>
        <translation>÷3</translation>
    </message>
    <message>
        <source>÷4</source>
        <translation>÷4</translation>
    </message>
    <message>
        <source>Euler (SVD&apos;s own)</source>
        <translation>欧拉（SVD 自带）</translation>
    </message>
    <message>
        <source>How far guidance blurs the attention of the branch it steers away from, at the first step; 0 is plain CFG.</source>
        <translation>第一步中，引导对其所背离的分支的注意力模糊到什么程度；0 即普通 CFG。</translation>
    </message>
    <message>
        <source>Whether γ falls over the steps, as in the paper, rises as the same curve backward, or is mirrored in ln σ.</source>
        <translation>γ 随步骤下降（如论文）、按同一曲线反向上升，还是按 ln σ 镜像。</translation>
    </message>
    <message>
        <source>Rising (backward in time)</source>
        <translation>上升（时间反向）</translation>
    </message>
    <message>
        <source>Rising (mirrored in ln σ)</source>
        <translation>上升（按 ln σ 镜像）</translation>
    </message>
    <message>
        <source>Stride s at which a tile&apos;s tokens are sampled along each axis for the other tiles.</source>
        <translation>供其他分块使用的词元沿每个轴采样的步长 s。</translation>
    </message>
    <message>
        <source>How many frames a window passes on to the next.</source>
        <translation>一个窗口传递给下一个窗口的帧数。</translation>
    </message>
    <message>
        <source>Whether windows pass frames on forward, backward, or in alternation.</source>
        <translation>窗口向前、向后还是交替传递帧。</translation>
    </message>
    <message>
        <source>Alternating</source>
        <translation>交替</translation>
    </message>
    <message>
        <source>Detail</source>
        <translation>细节</translation>
    </message>
    <message>
        <source>Unchanged</source>
        <translation>不改变</translation>
    </message>
    <message>
        <source>Blocks of the U-Net to compile while a long job on a GPU begins; a processor gains nothing by it.</source>
        <translation>在 GPU 上的长任务开始时编译的 U-Net 模块；处理器不会因此变快。</translation>
    </message>
    <message>
        <source>Quality: 0 is lossless or best; larger values give smaller files.</source>
        <translation>质量：0 为无损或最佳；数值越大，文件越小。</translation>
    </message>
    <message>
        <source>Bits per colour channel; by default as the input.</source>
        <translation>每个颜色通道的位数；默认与输入相同。</translation>
    </message>
    <message>
        <source>As the input</source>
        <translation>与输入相同</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>8 位</translation>
    </message>
    <message>
        <source>10 bits</source>
        <translation>10 位</translation>
    </message>
    <message>
        <source>12 bits</source>
        <translation>12 位</translation>
    </message>
    <message>
        <source>16 bits</source>
        <translation>16 位</translation>
    </message>
    <message>
        <source>Keep the audio</source>
        <translation>保留声音</translation>
    </message>
    <message>
        <source>Copy the audio tracks.</source>
        <translation>复制音轨。</translation>
    </message>
    <message>
        <source>Keep subtitles and chapters</source>
        <translation>保留字幕和章节</translation>
    </message>
    <message>
        <source>Copy subtitles, chapters and attachments.</source>
        <translation>复制字幕、章节和附件。</translation>
    </message>
    <message>
        <source>Deinterlace</source>
        <translation>去隔行</translation>
    </message>
    <message>
        <source>Deinterlace interlaced video first.</source>
        <translation>先对隔行视频去隔行。</translation>
    </message>
    <message>
        <source>Their own, or 25</source>
        <translation>按图片说明，否则 25</translation>
    </message>
    <message>
        <source>Replace an existing file</source>
        <translation>替换已有文件</translation>
    </message>
    <message>
        <source>Replace an existing output file.</source>
        <translation>替换已有的输出文件。</translation>
    </message>
    <message>
        <source>Compact</source>
        <translation>紧凑模型</translation>
    </message>
    <message>
        <source>Our own small network, trained from scratch on photographs. Needs no download and no GPU; what it makes is not the paper&apos;s result.</source>
        <translation>我们自己的小型网络，用照片从零训练。无需下载，也无需显卡；其结果并非论文的结果。</translation>
    </message>
    <message>
        <source>Apache-2.0</source>
        <translation>Apache-2.0</translation>
    </message>
    <message>
        <source>estimated by the plan for a 1080p result; main memory</source>
        <translation>按 1080p 结果由计划估算；主内存</translation>
    </message>
    <message>
        <source>Stable Video Diffusion (base)</source>
        <translation>Stable Video Diffusion（基础）</translation>
    </message>
    <message>
        <source>Stability AI&apos;s image-to-video model of 14 frames, without its U-Net: the autoencoder and image encoder that the paper&apos;s network is laid over. By itself it restores nothing.</source>
        <translation>Stability AI 的 14 帧图像转视频模型，不含其 U-Net：论文的网络所叠加的自编码器和图像编码器。单独使用时不能修复任何内容。</translation>
    </message>
    <message>
        <source>Stability AI Community License</source>
        <translation>Stability AI Community License</translation>
    </message>
    <message>
        <source>Free for research, for private use and for companies below the revenue limit that the licence names; other commercial use needs an agreement with Stability AI (https://stability.ai/license). Stability AI asks you to agree on the model&apos;s page before it can be downloaded.</source>
        <translation>研究、个人使用以及收入低于许可证所述限额的公司可免费使用；其他商业用途需与 Stability AI 签订协议 (https://stability.ai/license)。下载前，Stability AI 要求您在模型页面上同意许可证。</translation>
    </message>
    <message>
        <source>counted: 97.7 M and 632.1 M parameters in fp32</source>
        <translation>按参数计算：fp32 下 97.7 M 和 632.1 M 个参数</translation>
    </message>
    <message>
        <source>together with a U-Net: estimated by the plan for a 1080p result in fp16; GPU memory</source>
        <translation>与 U-Net 一起：按 fp16 下 1080p 结果由计划估算；显存</translation>
    </message>
    <message>
        <source>DC-VSR (published U-Net)</source>
        <translation>DC-VSR（已发布的 U-Net）</translation>
    </message>
    <message>
        <source>The fine-tuned U-Net (EMA weights) that carries the paper&apos;s name, laid over Stable Video Diffusion. Some of its conventions are not published: the ones marked as assumed are SVD&apos;s own.</source>
        <translation>以论文命名的微调 U-Net（EMA 权重），叠加于 Stable Video Diffusion 之上。其部分约定未公开：标为假定的是 SVD 自己的约定。</translation>
    </message>
    <message>
        <source>none given</source>
        <translation>未给出</translation>
    </message>
    <message>
        <source>No licence file comes with these weights, so their author keeps all rights; and as a derivative of Stable Video Diffusion they fall under the Stability AI Community License as well. Use them for research, and ask the author before anything else.</source>
        <translation>这些权重不附带许可证文件，因此作者保留所有权利；作为 Stable Video Diffusion 的衍生作品，它们还受 Stability AI Community License 约束。请仅用于研究，其他用途请先询问作者。</translation>
    </message>
    <message>
        <source>Named by a third party that looked at it in July 2026 and found unet_ema/config.json and its weights there; the account has the first name of the paper&apos;s first author. The paper&apos;s page does not link to it, and we have not downloaded it.</source>
        <translation>由第三方提及，其于 2026 年 7 月查看并在其中找到 unet_ema/config.json 及权重；该账号与论文第一作者同名。论文页面没有链接到它，我们也没有下载过它。</translation>
    </message>
    <message>
        <source>counted: 1524.6 M parameters, if they are in fp32</source>
        <translation>按参数计算：1524.6 M 个参数（若为 fp32）</translation>
    </message>
    <message>
        <source>estimated by the plan for a 1080p result in fp16; GPU memory</source>
        <translation>按 fp16 下 1080p 结果由计划估算；显存</translation>
    </message>
    <message>
        <source>Your own fine-tunes</source>
        <translation>您自己的微调模型</translation>
    </message>
    <message>
        <source>What you trained with “dcvsr train”, or a checkpoint that somebody gave you: a folder in diffusers&apos; layout, a U-Net alone, or one safetensors file. Import it.</source>
        <translation>您用 “dcvsr train” 训练的模型，或他人给您的检查点：diffusers 布局的文件夹、单独的 U-Net，或一个 safetensors 文件。请导入。</translation>
    </message>
    <message>
        <source>as its maker says</source>
        <translation>由其作者决定</translation>
    </message>
</context>
<context>
    <name>SettingsPanel</name>
    <message>
        <source>Propagation</source>
        <translation>传播</translation>
    </message>
    <message>
        <source>Tiles and segments</source>
        <translation>分块与分段</translation>
    </message>
    <message>
        <source>Colours, seed, device</source>
        <translation>颜色、种子、设备</translation>
    </message>
    <message>
        <source>Research</source>
        <translation>研究</translation>
    </message>
    <message>
        <source>Output file</source>
        <translation>输出文件</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Steps and guidance</source>
        <translation>步数与引导</translation>
    </message>
    <message>
        <source>Fewer evaluations</source>
        <translation>减少计算</translation>
    </message>
    <message>
        <source>Save or remove presets</source>
        <translation>保存或删除预设</translation>
    </message>
    <message>
        <source>Save as preset…</source>
        <translation>另存为预设…</translation>
    </message>
    <message>
        <source>Remove this preset</source>
        <translation>删除此预设</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose the output file</source>
        <translation>选择输出文件</translation>
    </message>
    <message>
        <source>This device is not in this computer.</source>
        <translation>此电脑上没有该设备。</translation>
    </message>
    <message>
        <source>Named after the clip, {place}</source>
        <translation>以视频命名，{place}</translation>
    </message>
    <message>
        <source>{model} (not installed)</source>
        <translation>{model}（未安装）</translation>
    </message>
    <message>
        <source>Custom settings</source>
        <translation>自定义设置</translation>
    </message>
    <message>
        <source>into {folder}</source>
        <translation>存到 {folder}</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>steps: {steps}</source>
        <translation>步数：{steps}</translation>
    </message>
    <message>
        <source>{count} changed</source>
        <translation>已更改 {count} 项</translation>
    </message>
    <message>
        <source>as the method says</source>
        <translation>按方法默认</translation>
    </message>
    <message>
        <source>beside the clip</source>
        <translation>在视频旁</translation>
    </message>
    <message>
        <source>M&amp;odel</source>
        <translation>模型(&amp;O)</translation>
    </message>
    <message>
        <source>Prese&amp;t</source>
        <translation>预设(&amp;T)</translation>
    </message>
    <message>
        <source>Save as preset</source>
        <translation>另存为预设</translation>
    </message>
    <message>
        <source>Name of the preset:</source>
        <translation>预设名称：</translation>
    </message>
    <message>
        <source>Replace the preset?</source>
        <translation>替换预设？</translation>
    </message>
    <message>
        <source>There is a preset “{name}” already.</source>
        <translation>已有名为“{name}”的预设。</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>替换</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>The preset was not saved.</source>
        <translation>预设没有保存。</translation>
    </message>
    <message>
        <source>The result cannot replace its own clip; choose another name.</source>
        <translation>结果不能覆盖它自己的视频;请选择其他名称。</translation>
    </message>
    <message>
        <source>This file exists. Choose another name, or check “Replace an existing file”.</source>
        <translation>该文件已存在。请选择其他名称,或勾选“替换已有文件”。</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>操作</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>按键</translation>
    </message>
</context>
<context>
    <name>ShownItem</name>
    <message>
        <source>This clip is being restored with these settings.</source>
        <translation>正在用这些设置修复此视频。</translation>
    </message>
</context>
<context>
    <name>SoundControls</name>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>音量</translation>
    </message>
    <message>
        <source>Mute the sound, or let it be heard again (Shift+M).</source>
        <translation>静音，或恢复声音（Shift+M）。</translation>
    </message>
    <message>
        <source>How loud the sound is.</source>
        <translation>声音的大小。</translation>
    </message>
</context>
<context>
    <name>SoundOutput</name>
    <message>
        <source>The library for sound (miniaudio) is not there.</source>
        <translation>缺少声音库（miniaudio）。</translation>
    </message>
    <message>
        <source>There is no device for sound; connect one and play again.</source>
        <translation>没有声音设备；请连接一个，然后重新播放。</translation>
    </message>
</context>
<context>
    <name>StartDialog</name>
    <message>
        <source>{time} today</source>
        <translation>今天 {time}</translation>
    </message>
    <message>
        <source>{time} tomorrow</source>
        <translation>明天 {time}</translation>
    </message>
    <message>
        <source>Start at a time</source>
        <translation>定时开始</translation>
    </message>
    <message>
        <source>Restore the waiting clips from this &amp;time on:</source>
        <translation>从此时间起修复等待中的视频(&amp;T)：</translation>
    </message>
    <message>
        <source>Time to start at</source>
        <translation>开始时间</translation>
    </message>
    <message>
        <source>Time until then</source>
        <translation>距开始的时间</translation>
    </message>
    <message>
        <source>The program must stay open until then.</source>
        <translation>在此之前程序必须保持打开。</translation>
    </message>
    <message>
        <source>The program must stay open; until then the computer is kept awake.</source>
        <translation>程序必须保持打开；在此之前电脑会保持唤醒。</translation>
    </message>
    <message>
        <source>The program must stay open. This computer cannot be kept awake: see to it that it does not sleep.</source>
        <translation>程序必须保持打开。本机无法阻止休眠：请确保电脑不会进入睡眠。</translation>
    </message>
    <message>
        <source>{moment}, in {hours} h {minutes} min</source>
        <translation>{moment}，{hours} 小时 {minutes} 分钟后</translation>
    </message>
</context>
<context>
    <name>StepKinds</name>
    <message>
        <source>Plain step</source>
        <translation>普通步骤</translation>
    </message>
    <message>
        <source>TAP forward</source>
        <translation>TAP 向前</translation>
    </message>
    <message>
        <source>TAP backward</source>
        <translation>TAP 向后</translation>
    </message>
    <message>
        <source>no propagation</source>
        <translation>无传播</translation>
    </message>
    <message>
        <source>SAP, tiles of a frame see each other</source>
        <translation>SAP，同帧分块互相可见</translation>
    </message>
    <message>
        <source>TAP forward, each window sees the one before it</source>
        <translation>TAP 向前，每个窗口看到前一个</translation>
    </message>
    <message>
        <source>TAP backward, each window sees the one after it</source>
        <translation>TAP 向后，每个窗口看到后一个</translation>
    </message>
</context>
<context>
    <name>StepStrip</name>
    <message>
        <source>Sampling steps</source>
        <translation>采样步骤</translation>
    </message>
    <message>
        <source>{steps} steps, {sap} of them SAP and {tap} TAP.</source>
        <translation>共 {steps} 步，其中 SAP {sap} 步、TAP {tap} 步。</translation>
    </message>
    <message>
        <source>Step {step} of {steps}: {kind}</source>
        <translation>第 {step} 步，共 {steps} 步：{kind}</translation>
    </message>
</context>
<context>
    <name>TileOverlay</name>
    <message>
        <source>SAP · tiles share one key per {rate} × {rate} latent pixels</source>
        <translation>SAP · 每 {rate} × {rate} 个潜在像素共享一个键</translation>
    </message>
    <message>
        <source>Window {n} passes on frames {frames}</source>
        <translation>窗口 {n} 传递帧 {frames}</translation>
    </message>
    <message>
        <source>Zoom in to see the keys</source>
        <translation>放大可看到这些键</translation>
    </message>
    <message>
        <source>Tile {tile} of {tiles} · row {row} of {rows} · column {column} of {columns}</source>
        <translation>分块 {tile}/{tiles} · 第 {row}/{rows} 行 · 第 {column}/{columns} 列</translation>
    </message>
    <message>
        <source>Window {window} of {windows} · frames {first}–{last}</source>
        <translation>窗口 {window}/{windows} · 帧 {first}–{last}</translation>
    </message>
    <message>
        <source>Here it has {share} of the blend of {count} tiles</source>
        <translation>此处在 {count} 个分块的融合中占 {share}</translation>
    </message>
    <message>
        <source>No other tile reaches here</source>
        <translation>没有其他分块覆盖此处</translation>
    </message>
    <message>
        <source>Tiles overlap</source>
        <translation>分块重叠处</translation>
    </message>
    <message>
        <source>Running</source>
        <translation>正在计算</translation>
    </message>
    <message>
        <source>Keys that tiles share</source>
        <translation>分块共享的键</translation>
    </message>
    <message>
        <source>Frames passed on (diamonds below)</source>
        <translation>传递的帧（下方菱形）</translation>
    </message>
    <message>
        <source>Waiting in this step</source>
        <translation>本步等待中</translation>
    </message>
    <message>
        <source>Being denoised now</source>
        <translation>正在去噪</translation>
    </message>
    <message>
        <source>Done in this step</source>
        <translation>本步已完成</translation>
    </message>
</context>
<context>
    <name>Timeline</name>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Previous frame</source>
        <translation>上一帧</translation>
    </message>
    <message>
        <source>Next frame</source>
        <translation>下一帧</translation>
    </message>
    <message>
        <source>Start the selected range at this frame (I).</source>
        <translation>所选范围从这一帧开始 (I)。</translation>
    </message>
    <message>
        <source>End the selected range with this frame (O).</source>
        <translation>所选范围到这一帧结束 (O)。</translation>
    </message>
    <message>
        <source>The current frame; type a number to go there.</source>
        <translation>当前帧；输入帧号可跳转。</translation>
    </message>
    <message>
        <source>Selected range</source>
        <translation>所选范围</translation>
    </message>
    <message>
        <source>Fr&amp;ame</source>
        <translation>帧(&amp;A)</translation>
    </message>
    <message>
        <source>The selected range: first frame, last frame, number of frames.</source>
        <translation>所选范围：首帧、末帧、帧数。</translation>
    </message>
    <message>
        <source>Set in point</source>
        <translation>设置入点</translation>
    </message>
    <message>
        <source>Play the selected range at its own speed (Space).</source>
        <translation>以原速播放所选范围(空格)。</translation>
    </message>
    <message>
        <source>Go back one frame (←).</source>
        <translation>后退一帧(←)。</translation>
    </message>
    <message>
        <source>Go forward one frame (→).</source>
        <translation>前进一帧(→)。</translation>
    </message>
    <message>
        <source>Set out point</source>
        <translation>设置出点</translation>
    </message>
    <message>
        <source>Frame number</source>
        <translation>帧号</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Time of this frame in the clip.</source>
        <translation>此帧在视频中的时间。</translation>
    </message>
    <message>
        <source>Only this part</source>
        <translation>仅此部分</translation>
    </message>
    <message>
        <source>Restore only the selected range; off, it is for previews and play.</source>
        <translation>仅修复所选范围;关闭时该范围只用于预览和播放。</translation>
    </message>
    <message>
        <source>{first}–{last} · {count} frames</source>
        <translation>{first}–{last} · {count} 帧</translation>
    </message>
    <message>
        <source>{first} · 1 frame</source>
        <translation>{first} · 1 帧</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
</context>
<context>
    <name>TokenDialog</name>
    <message>
        <source>Access token</source>
        <translation>访问令牌</translation>
    </message>
    <message>
        <source>It is kept in the system&apos;s keyring and nowhere else.</source>
        <translation>它只保存在系统的密钥环中。</translation>
    </message>
    <message>
        <source>This system has no keyring, so it is used until the program ends and is not kept.</source>
        <translation>本系统没有密钥环，因此令牌只在程序结束前使用，不会保存。</translation>
    </message>
</context>
<context>
    <name>Unattended</name>
    <message>
        <source>starts at {time}</source>
        <translation>{time} 开始</translation>
    </message>
    <message>
        <source>stays awake</source>
        <translation>保持唤醒</translation>
    </message>
    <message>
        <source>watches “{name}”</source>
        <translation>正在监视“{name}”</translation>
    </message>
    <message>
        <source>in a farm</source>
        <translation>在农场中</translation>
    </message>
    <message>
        <source>The computer does not fall asleep while clips are restored or waited for.</source>
        <translation>修复或等待视频期间电脑不会进入睡眠。</translation>
    </message>
    <message>
        <source>may fall asleep</source>
        <translation>可能会睡眠</translation>
    </message>
    <message>
        <source>This computer cannot be kept awake; change its power settings for long runs.</source>
        <translation>无法让此电脑保持唤醒；长时间运行请更改其电源设置。</translation>
    </message>
    <message>
        <source>then: {deed}</source>
        <translation>之后：{deed}</translation>
    </message>
    <message>
        <source>This computer leaves the farm; if the farm was started here, it ends for all.</source>
        <translation>本机将离开农场；如果农场是在本机启动的，它会对所有计算机结束。</translation>
    </message>
    <message>
        <source>Stay in the farm</source>
        <translation>留在农场</translation>
    </message>
    <message>
        <source>The queue is to start at {time}. It does so only while the program is open.</source>
        <translation>队列将于 {time} 开始。只有程序保持打开时才会开始。</translation>
    </message>
    <message>
        <source>Keep waiting</source>
        <translation>继续等待</translation>
    </message>
    <message>
        <source>The folder “{name}” is watched only while the program is open.</source>
        <translation>只有程序保持打开时才会监视文件夹“{name}”。</translation>
    </message>
    <message>
        <source>Keep watching</source>
        <translation>继续监视</translation>
    </message>
    <message>
        <source>The queue is done: {done} restored, {failed} failed.</source>
        <translation>队列已完成：修复 {done} 个，失败 {failed} 个。</translation>
    </message>
    <message>
        <source>All clips are done. The computer goes to sleep in {seconds} s.</source>
        <translation>所有视频已完成。电脑将在 {seconds} 秒后睡眠。</translation>
    </message>
    <message>
        <source>Sleep now</source>
        <translation>立即睡眠</translation>
    </message>
    <message>
        <source>All clips are done. The computer shuts down in {seconds} s.</source>
        <translation>所有视频已完成。电脑将在 {seconds} 秒后关机。</translation>
    </message>
    <message>
        <source>Shut down now</source>
        <translation>立即关机</translation>
    </message>
    <message>
        <source>No command is set; write one under Edit ▸ Preferences.</source>
        <translation>尚未设置命令；请在“编辑 ▸ 首选项”中填写。</translation>
    </message>
    <message>
        <source>The command after the queue cannot be started: {error}.</source>
        <translation>无法启动队列完成后的命令：{error}。</translation>
    </message>
    <message>
        <source>The command after the queue failed (exit code {code}); what is restored is there all the same.</source>
        <translation>队列之后的命令失败了（退出代码 {code}）；已修复的结果不受影响。</translation>
    </message>
</context>
<context>
    <name>UnfinishedWork</name>
    <message>
        <source>from the last finished step</source>
        <translation>从最后完成的步骤</translation>
    </message>
    <message>
        <source>from the last finished segment</source>
        <translation>从最后完成的分段</translation>
    </message>
    <message>
        <source>The finished work of {names} takes {size} MB. Without it the restoration starts from the beginning.</source>
        <translation>{names} 已完成的部分占用 {size} MB。删除后将从头开始修复。</translation>
    </message>
    <message>
        <source>Delete unfinished work?</source>
        <translation>删除未完成的工作？</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>The unfinished work could not be deleted.</source>
        <translation>无法删除未完成的工作。</translation>
    </message>
</context>
<context>
    <name>WelcomeDialog</name>
    <message>
        <source>&amp;Models…</source>
        <translation>模型(&amp;M)…</translation>
    </message>
    <message>
        <source>Use my &amp;GPU…</source>
        <translation>使用我的 GPU(&amp;G)…</translation>
    </message>
    <message>
        <source>C&amp;hoose clips…</source>
        <translation>选择视频(&amp;H)…</translation>
    </message>
    <message>
        <source>&amp;Try the sample clip</source>
        <translation>试用示例视频(&amp;T)</translation>
    </message>
    <message>
        <source>Looking for a GPU …</source>
        <translation>正在查找 GPU…</translation>
    </message>
    <message>
        <source>&amp;Skip</source>
        <translation>跳过(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Back</source>
        <translation>上一步(&amp;B)</translation>
    </message>
    <message>
        <source>A frame of the sample clip, enlarged four times, and the same frame restored.</source>
        <translation>示例视频的一帧放大四倍，以及修复后的同一帧。</translation>
    </message>
    <message>
        <source>Drop in an old, small or compressed video and get it back larger and sharper, with its audio in sync. Everything is computed on this computer; nothing is sent anywhere.</source>
        <translation>拖入老旧、小尺寸或压缩过的视频，得到更大、更清晰的视频，声音保持同步。一切都在这台计算机上计算，不会发送任何内容。</translation>
    </message>
    <message>
        <source>The compact model is built in and selected: it needs no download and no GPU. The full network of the paper is far larger, needs an NVIDIA GPU, and has a licence that you must accept first; it is available under Models…</source>
        <translation>已内置并选中紧凑模型：无需下载，也无需 GPU。论文的完整网络要大得多，需要 NVIDIA GPU，并且须先接受其许可证；可在“模型…”中获取。</translation>
    </message>
    <message>
        <source>Look at a few frames first with Preview segment, then press Restore. The result is put beside the clip, which is not changed. Help ▸ First steps shows this again.</source>
        <translation>先用“预览片段”看几帧，再按“修复”。结果会放在原视频旁边，原视频不会改变。“帮助 ▸ 入门”可再次显示本页。</translation>
    </message>
    <message>
        <source>A first clip</source>
        <translation>第一段视频</translation>
    </message>
    <message>
        <source>Left: the sample clip, enlarged four times. Right: restored by the built-in model.</source>
        <translation>左：示例视频放大四倍。右：由内置模型修复。</translation>
    </message>
    <message>
        <source>Make videos larger and sharper</source>
        <translation>让视频更大、更清晰</translation>
    </message>
    <message>
        <source>Which model</source>
        <translation>使用哪个模型</translation>
    </message>
    <message>
        <source>Drop a video here</source>
        <translation>将视频拖放到这里</translation>
    </message>
    <message>
        <source>There is no NVIDIA GPU with a driver in this computer: stay with the compact model.</source>
        <translation>这台电脑上没有装好驱动的 NVIDIA GPU：请使用紧凑模型。</translation>
    </message>
    <message>
        <source>This GPU is used: {gpu}.</source>
        <translation>正在使用此 GPU：{gpu}。</translation>
    </message>
    <message>
        <source>This computer has a GPU that is not used yet: {gpu}.</source>
        <translation>这台电脑有一块尚未使用的 GPU：{gpu}。</translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation>第 {number} 步，共 {count} 步</translation>
    </message>
    <message>
        <source>First steps</source>
        <translation>入门</translation>
    </message>
    <message>
        <source>&amp;Next</source>
        <translation>下一步(&amp;N)</translation>
    </message>
    <message>
        <source>&amp;Close</source>
        <translation>关闭(&amp;C)</translation>
    </message>
</context>
<context>
    <name>WindowSession</name>
    <message>
        <source>The program ended unexpectedly last time.</source>
        <translation>程序上次意外结束。</translation>
    </message>
    <message>
        <source>Show the report</source>
        <translation>显示报告</translation>
    </message>
    <message>
        <source>{name} was not finished.</source>
        <translation>{name} 尚未完成。</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Start again</source>
        <translation>重新开始</translation>
    </message>
    <message>
        <source>A before/after video is being written; it would be lost.</source>
        <translation>正在写入修复前后对比视频；退出将丢失它。</translation>
    </message>
    <message>
        <source>Continue writing</source>
        <translation>继续写入</translation>
    </message>
    <message>
        <source>A clip is being restored. At the next start it can be resumed {from_where}.</source>
        <translation>正在修复视频。下次启动时可以{from_where}恢复。</translation>
    </message>
    <message>
        <source>Quit now?</source>
        <translation>现在退出？</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Continue restoring</source>
        <translation>继续修复</translation>
    </message>
    <message>
        <source>The preset “{name}” is left out; the log says why.</source>
        <translation>预设“{name}”已略过；原因见日志。</translation>
    </message>
    <message>
        <source>A preview is being made; it would be lost.</source>
        <translation>正在制作预览；退出后预览会丢失。</translation>
    </message>
    <message>
        <source>Continue the preview</source>
        <translation>继续预览</translation>
    </message>
    <message>
        <source>A clip is being restored. Nothing of it is finished yet; it would have to start again.</source>
        <translation>正在修复一个视频。目前还没有完成任何部分；下次需要重新开始。</translation>
    </message>
    <message>
        <source>The program ended unexpectedly. The details help to find out why; they are also kept in {file}.</source>
        <translation>程序意外结束。详细信息有助于查明原因，也保存在 {file} 中。</translation>
    </message>
    <message>
        <source>Crash report</source>
        <translation>崩溃报告</translation>
    </message>
    <message>
        <source>The program met an unknown error. You can continue; if it happens again, please report it.</source>
        <translation>程序遇到未知错误。您可以继续使用；如果再次发生，请报告。</translation>
    </message>
    <message>
        <source>Unexpected error</source>
        <translation>意外错误</translation>
    </message>
    <message>
        <source>The language changes when the program is restarted.</source>
        <translation>重新启动程序后语言生效。</translation>
    </message>
</context>
<context>
    <name>WindowStrip</name>
    <message>
        <source>Temporal windows</source>
        <translation>时间窗口</translation>
    </message>
    <message>
        <source>Window {n}: frames {first}–{last}</source>
        <translation>窗口 {n}：帧 {first}–{last}</translation>
    </message>
    <message>
        <source>, passes on {frames}</source>
        <translation>，传递 {frames}</translation>
    </message>
    <message>
        <source>Frames are processed in overlapping windows; each bracket is one window.</source>
        <translation>帧在相互重叠的窗口中处理；每个括号是一个窗口。</translation>
    </message>
</context>
</TS>
