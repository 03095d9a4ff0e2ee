/* The program at the front of an AppImage: makes the squashfs behind itself a folder and starts AppRun in it.

   The folder is mounted by FUSE where that is possible (fusermount3, or as root), otherwise unpacked to a temporary one.
   Linked statically by packaging/appimage.py, from Debian's libsquashfuse, libfuse3 and libzstd. */

#define _GNU_SOURCE
#define FUSE_USE_VERSION 32
#define _FILE_OFFSET_BITS 64

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <squashfuse/ll.h>
#include <squashfuse/squashfuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, FAILED = 127 };

/* Only zstd is in our images; the other decoders of squashfuse stay out, LZO's also because it is under the GPL. */
int lzo1x_decompress_safe(void) { return -1; }
int lzma_stream_buffer_decode(void) { return -1; }
int LZ4_decompress_safe(void) { return -1; }
int uncompress(void) { return -1; }

static pid_t program; /* AppRun, where this process stays beside it */

static void fail(const char *what, const char *name) {
    fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
    exit(FAILED);
}

static void join(char *path, const char *folder, const char *name) {
    if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        fail("Cannot use", name);
    }
}

/* Where the ELF file ends and the squashfs begins. */
static size_t image_offset(const char *self) {
    Elf64_Ehdr header;
    int file = open(self, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, &header, sizeof header) != sizeof header) fail("Cannot read", self);
    close(file);
    return header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
}

/* -- unpacking ---------------------------------------------------------------------------------------------- */

static void unpack_file(sqfs *image, sqfs_inode *inode, const char *path) {
    static char chunk[CHUNK];
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, inode->base.mode & 0777);
    if (file < 0) fail("Cannot write", path);
    for (sqfs_off_t done = 0, size = CHUNK; size > 0; done += size) {
        size = CHUNK;
        if (sqfs_read_range(image, inode, done, &size, chunk)) errno = EIO, fail("Cannot unpack", path);
        for (ssize_t put = 0, sent; put < size; put += sent)
            if ((sent = write(file, chunk + put, size - put)) < 0) fail("Cannot write", path);
    }
    if (close(file)) fail("Cannot write", path);
}

static void unpack_link(sqfs *image, sqfs_inode *inode, const char *path) {
    char target[PATH_MAX];
    size_t size = sizeof target;
    if (sqfs_readlink(image, inode, target, &size)) errno = EIO, fail("Cannot unpack", path);
    if (symlink(target, path)) fail("Cannot write", path);
}

static void unpack(const char *self, const char *folder) {
    sqfs image;
    sqfs_traverse entries;
    sqfs_err error = sqfs_open_image(&image, self, image_offset(self));
    if (error || sqfs_traverse_open(&entries, &image, sqfs_inode_root(&image))) errno = EIO, fail("Cannot read", self);
    while (sqfs_traverse_next(&entries, &error)) {
        char path[PATH_MAX];
        sqfs_inode inode;
        if (entries.dir_end) continue;
        join(path, folder, entries.path);
        if (sqfs_inode_get(&image, &inode, sqfs_dentry_inode(&entries.entry))) errno = EIO, fail("Cannot unpack", path);
        if (S_ISDIR(inode.base.mode) && mkdir(path, 0755)) fail("Cannot write", path);
        if (S_ISREG(inode.base.mode)) unpack_file(&image, &inode, path);
        if (S_ISLNK(inode.base.mode)) unpack_link(&image, &inode, path);
    }
    if (error) errno = EIO, fail("Cannot unpack", self);
    sqfs_traverse_close(&entries);
    sqfs_destroy(&image);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place) {
    (void)facts, (void)kind, (void)place;
    return remove(path);
}

/* -- mounting ----------------------------------------------------------------------------------------------- */

typedef struct {
    int pipe;
    pthread_t server;
} Watched;

/* Wait until nobody holds the other end of the pipe any more, then end the server. */
static void *watch(void *given) {
    Watched *watched = given;
    char byte;
    while (read(watched->pipe, &byte, 1) < 0 && errno == EINTR) {}
    pthread_kill(watched->server, SIGTERM);
    return NULL;
}

/* Serve the folder until all ends of the pipe are closed; says on ``ready`` that it is there. */
static void serve(const char *self, const char *folder, int ready, int pipe) {
    struct fuse_lowlevel_ops does = {
        .getattr = sqfs_ll_op_getattr, .opendir = sqfs_ll_op_opendir, .releasedir = sqfs_ll_op_releasedir,
        .readdir = sqfs_ll_op_readdir, .lookup = sqfs_ll_op_lookup, .open = sqfs_ll_op_open, .create = sqfs_ll_op_create,
        .release = sqfs_ll_op_release, .read = sqfs_ll_op_read, .readlink = sqfs_ll_op_readlink,
        .forget = sqfs_ll_op_forget, .statfs = stfs_ll_op_statfs,
    };
    char *words[] = {"dcvsr-studio", "-o", "ro,nosuid,nodev,fsname=dcvsr-studio", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(3, words);
    Watched watched = {pipe, pthread_self()};
    pthread_t watcher;

    setsid(); /* Ctrl-C is for the program, not for its files */
    sqfs_ll *image = sqfs_ll_open(self, image_offset(self));
    struct fuse_session *session = image ? fuse_session_new(&arguments, &does, sizeof does, image) : NULL;
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, folder)) _exit(FAILED);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (write(ready, "", 1) != 1 || pthread_create(&watcher, NULL, watch, &watched)) raise(SIGTERM);
    close(ready);
    fuse_session_loop(session);
    fuse_session_unmount(session);
    rmdir(folder);
    _exit(0);
}

/* Have a child serve the folder as long as this process, or what it becomes, lives; whether that went well. */
static int mount_beside(const char *self, const char *folder) {
    int ready[2], alive[2];
    char byte;
    if (access("/dev/fuse", R_OK | W_OK) || pipe2(ready, O_CLOEXEC) || pipe(alive)) return 0;
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        close(alive[1]);
        serve(self, folder, ready[1], alive[0]);
    }
    close(ready[1]);
    close(alive[0]);
    if (child > 0 && read(ready[0], &byte, 1) == 1) return 1;
    close(alive[1]);
    waitpid(child, NULL, 0);
    return 0;
}

/* -- starting ----------------------------------------------------------------------------------------------- */

static void new_folder(char *folder) {
    const char *place = getenv("TMPDIR");
    join(folder, place && *place ? place : "/var/tmp", ".dcvsr-studio-XXXXXX");
    if (!mkdtemp(folder)) fail("Cannot make", folder);
}

static void start(const char *folder, char **words) {
    char path[PATH_MAX];
    join(path, folder, "AppRun");
    setenv("APPDIR", folder, 1);
    execv(path, words);
    fail("Cannot start", path);
}

static void pass_on(int number) {
    if (program > 0) kill(program, number);
}

/* Run the program from a folder of its own, which is removed afterwards; returns its exit status. */
static int unpack_and_run(const char *self, const char *folder, char **words) {
    int status = 0;
    unpack(self, folder);
    program = fork();
    if (program == 0) start(folder, words);
    for (const int *number = (const int[]){SIGTERM, SIGHUP, SIGINT, SIGQUIT, 0}; *number; number++) signal(*number, pass_on);
    while (waitpid(program, &status, 0) < 0 && errno == EINTR) {}
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int count, char **words) {
    char self[PATH_MAX] = "", folder[PATH_MAX];
    const char *option = count > 1 ? words[1] : "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) fail("Cannot read", "/proc/self/exe");
    setenv("APPIMAGE", self, 1);
    setenv("ARGV0", words[0], 1);
    if (!strcmp(option, "--appimage-offset")) return printf("%zu\n", image_offset(self)) < 0;
    if (!strcmp(option, "--appimage-extract")) {
        if (mkdir("squashfs-root", 0755)) fail("Cannot make", "squashfs-root");
        unpack(self, "squashfs-root");
        return 0;
    }
    int unpacks = getenv("APPIMAGE_EXTRACT_AND_RUN") || !strcmp(option, "--appimage-extract-and-run");
    if (!strcmp(option, "--appimage-extract-and-run")) words[1] = words[0], words++;
    new_folder(folder);
    if (!unpacks && mount_beside(self, folder)) start(folder, words);
    if (!unpacks) fprintf(stderr, "FUSE cannot be used; unpacking to %s for this run.\n", folder);
    return unpack_and_run(self, folder, words);
}
