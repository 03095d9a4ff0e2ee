#!/usr/bin/env bash
# Installs a package made by "build.py --deb" into a clean Debian root without Python, runs its self-test there, without
# and with a screen, and opens a clip with it as a desktop does. An AppImage beside the package is tried there, too, after the
# package is gone. Leaves reports and two screenshots in a folder.
#
#   packaging/test_deb.sh dist/dcvsr-studio_0.1.0_amd64.deb [build/clean-root]
#
# Needs root, and: debootstrap xvfb openbox imagemagick x11-utils. Uses this machine's own sources of packages.
set -euo pipefail

if [ "${IN_OWN_MOUNTS:-}" != yes ]; then # what is mounted below is gone when this ends
    IN_OWN_MOUNTS=yes exec unshare --mount --propagation private "$0" "$@"
fi

deb=$(realpath "$1")
place=$(realpath -m "${2:-build/clean-root}")
base=$place/base root=$place/root results=$place/results
clip=$(realpath "$(dirname "$0")/../resources/clips/sample.mp4")
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
export DISPLAY=:97 DEBIAN_FRONTEND=noninteractive
mkdir -p "$results"

mirror() { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p; s/^deb \([^ ]*\) .*/\1/p' | head -n 1; }
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
as_person() {
    chroot --userspec=person:person "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/home/person USER=person LANG=C.UTF-8 \
        XDG_RUNTIME_DIR=/run/user/1000 DISPLAY="$DISPLAY" "$@"
}
windows() { xwininfo -root -tree | grep -c '"dcvsr-studio"' || true; }
end_programs() { # those that run inside the clean root
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root" 2>/dev/null)" = "$root" ]; then kill "${process#/proc/}" 2>/dev/null || true; fi
    done
}
wait_for_window() {
    for _ in $(seq 120); do
        if [ "$(windows)" -gt 0 ]; then sleep 20; return; fi
        sleep 1
    done
    echo "No window was opened by $1" >&2
    return 1
}

echo "== a clean $suite"
if [ ! -e "$base/.complete" ]; then
    rm -rf "$base"
    debootstrap --variant=minbase "$suite" "$base" "$(mirror)" >"$results/debootstrap.log"
    touch "$base/.complete"
fi
rm -rf "$root"
cp -a "$base" "$root"
rm -f "$root/etc/apt/sources.list"
cp -r /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
for folder in proc sys dev dev/pts dev/shm; do
    mkdir -p "$root/$folder"
    mount --bind "/$folder" "$root/$folder"
done
cp "$deb" "$root/root/package.deb"
in_root sh -c '! command -v python3 && ! command -v python'

echo "== apt install"
in_root apt-get update -qq
in_root apt-get install -qq -y --no-install-recommends /root/package.deb >"$results/install.log" 2>&1
in_root sh -c '! command -v python3 && ! command -v python'
in_root useradd --create-home --uid 1000 person
install -d -o 1000 -g 1000 -m 700 "$root/run/user/1000"
du -sm "$root/opt/dcvsr-studio" | sed 's/\t.*/ MiB unpacked/'

echo "== self-test without a screen"
as_person env -u DISPLAY dcvsr-studio --self-test --report /home/person/offscreen.json
cp "$root/home/person/offscreen.json" "$results/"

echo "== self-test on a screen, without standard streams"
Xvfb "$DISPLAY" -screen 0 1440x900x24 -nolisten tcp >"$results/xvfb.log" 2>&1 &
screen=$!
trap 'end_programs; kill "$screen"' EXIT
sleep 3
openbox >/dev/null 2>&1 &
as_person env QT_QPA_PLATFORM=xcb dcvsr-studio --self-test --report /home/person/xcb.json <&- >&- 2>&-
cp "$root/home/person/xcb.json" "$results/"
grep -q '"qt_platform": "xcb"' "$results/xcb.json"

echo "== the command line"
as_person dcvsr --version
as_person dcvsr info /opt/dcvsr-studio/_internal/resources/clips/sample.mp4
as_person dcvsr restore /opt/dcvsr-studio/_internal/resources/clips/sample.mp4 -o /home/person/small.mkv --frames 0-3 --region 0,0,48,48

echo "== opened as a desktop opens it"
in_root apt-get install -qq -y --no-install-recommends xdg-utils libgtk-3-bin shared-mime-info desktop-file-utils file >>"$results/install.log" 2>&1
install -o 1000 -g 1000 -m 644 "$clip" "$root/home/person/holiday.mp4"
as_person xdg-mime query default video/mp4 | grep -x dcvsr-studio.desktop
for opener in "gtk-launch dcvsr-studio" xdg-open; do
    # shellcheck disable=SC2086 # two words on purpose
    as_person $opener /home/person/holiday.mp4 >"$results/${opener%% *}.log" 2>&1 &
    wait_for_window "$opener"
    import -window root "$results/${opener%% *}.png"
    grep -q holiday.mp4 "$root/home/person/.local/share/dcvsr-studio/queue.json"
    end_programs
    sleep 3
    rm -rf "$root/home/person/.local/share/dcvsr-studio/queue.json"
done

echo "== removed again"
in_root apt-get remove -qq -y dcvsr-studio >>"$results/install.log" 2>&1
test ! -e "$root/opt/dcvsr-studio" && test ! -e "$root/usr/bin/dcvsr"

for appimage in "$(dirname "$deb")"/*.AppImage; do
    test -e "$appimage" || continue
    echo "== $(basename "$appimage"), mounted"
    cp "$appimage" "$root/opt/program.AppImage"
    in_root env QT_QPA_PLATFORM=offscreen /opt/program.AppImage --self-test --report /root/mounted.json
    echo "== $(basename "$appimage"), unpacked, on a screen"
    as_person env QT_QPA_PLATFORM=xcb APPIMAGE_EXTRACT_AND_RUN=1 /opt/program.AppImage --self-test --report /home/person/unpacked.json
    cp "$root/root/mounted.json" "$root/home/person/unpacked.json" "$results/"
    rm "$root/opt/program.AppImage"
done
echo "All is well; see $results"
