/* Writes down what a process does to the files of one folder: every write, truncation, removal and flush, in their
 * order. It stands between the process and the C library (ld.so(8), LD_PRELOAD); the test beside it replays what was
 * written down, up to the moment at which the power fails.
 *
 * A record is: what it is, the length of the file's name, the offset, the length of the data; the name; the data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;

/* The name of a file within the folder; NULL where it is elsewhere. */
static const char *within(const char *path) {
    const char *folder = getenv("POWERCUT_FOLDER");
    size_t prefix = folder == NULL ? 0 : strlen(folder);
    if (folder == NULL || strncmp(path, folder, prefix) != 0 || path[prefix] != '/')
        return NULL;
    return strlen(path + prefix + 1) < 256 ? path + prefix + 1 : NULL;
}

static void put(const void *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = syscall(SYS_write, journal, bytes, length);
        if (written <= 0)
            abort();
        bytes = (const char *)bytes + written;
        length -= (size_t)written;
    }
}

static void note_path(char what, const char *path, uint64_t offset, const void *data, uint32_t length) {
    const char *name = within(path);
    if (name == NULL)
        return;
    pthread_mutex_lock(&turn);
    if (journal < 0) {
        const char *file = getenv("POWERCUT_JOURNAL");
        journal = file == NULL ? -1 : open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (journal < 0)
            abort();
    }
    unsigned char name_length = (unsigned char)strlen(name);
    put(&what, 1);
    put(&name_length, 1);
    put(&offset, sizeof offset);
    put(&length, sizeof length);
    put(name, name_length);
    put(data, length);
    pthread_mutex_unlock(&turn);
}

static void note(char what, int fd, uint64_t offset, const void *data, uint32_t length) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t end = readlink(link, path, sizeof path - 1);
    if (end < 0)
        return;
    path[end] = 0;
    note_path(what, path, offset, data, length);
}

#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

static void note_written(int fd, const void *data, ssize_t written, off_t offset) {
    if (written > 0)
        note('W', fd, (uint64_t)offset, data, (uint32_t)written);
}

ssize_t write(int fd, const void *data, size_t count) {
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = REAL("write", ssize_t (*)(int, const void *, size_t))(fd, data, count);
    note_written(fd, data, written, offset);
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) {
    ssize_t written = REAL("pwrite", ssize_t (*)(int, const void *, size_t, off_t))(fd, data, count, offset);
    note_written(fd, data, written, offset);
    return written;
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
    ssize_t written = REAL("pwrite64", ssize_t (*)(int, const void *, size_t, off64_t))(fd, data, count, offset);
    note_written(fd, data, written, offset);
    return written;
}

int ftruncate(int fd, off_t length) {
    int outcome = REAL("ftruncate", int (*)(int, off_t))(fd, length);
    if (outcome == 0)
        note('T', fd, (uint64_t)length, "", 0);
    return outcome;
}

int ftruncate64(int fd, off64_t length) {
    int outcome = REAL("ftruncate64", int (*)(int, off64_t))(fd, length);
    if (outcome == 0)
        note('T', fd, (uint64_t)length, "", 0);
    return outcome;
}

int unlink(const char *path) {
    int outcome = REAL("unlink", int (*)(const char *))(path);
    if (outcome == 0)
        note_path('U', path, 0, "", 0);
    return outcome;
}

/* Noted when it begins: what is written while it lasts need not be on the disk when it ends. */
int fsync(int fd) {
    note('F', fd, 0, "", 0);
    return REAL("fsync", int (*)(int))(fd);
}

int fdatasync(int fd) {
    note('F', fd, 0, "", 0);
    return REAL("fdatasync", int (*)(int))(fd);
}
