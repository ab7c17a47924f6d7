// Lets a program live DAYS days later: preloaded, it moves the clock and all times of files by as much.
//
// What a file's time is set to goes back by as much on its way to the disk, so that a program reads what it wrote.
// Programs that call the kernel without the C library (the registry, in Go) live today.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#define SHIFT (DAYS * 86400L)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = NEXT(clock_gettime)(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += SHIFT;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int result = NEXT(gettimeofday)(now, zone);
    if (result == 0) now->tv_sec += SHIFT;
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

#define SHIFT_STAT(found)                                                                                              \
    if (result == 0) found->st_atim.tv_sec += SHIFT, found->st_mtim.tv_sec += SHIFT, found->st_ctim.tv_sec += SHIFT;   \
    return result

#define STATS(name, kind)                                                                                              \
    int name(const char *restrict path, struct kind *restrict found) {                                                 \
        int result = NEXT(name)(path, found);                                                                          \
        SHIFT_STAT(found);                                                                                             \
    }
#define FSTAT(name, kind)                                                                                              \
    int name(int file, struct kind *found) {                                                                           \
        int result = NEXT(name)(file, found);                                                                          \
        SHIFT_STAT(found);                                                                                             \
    }
#define FSTATAT(name, kind)                                                                                            \
    int name(int directory, const char *restrict path, struct kind *restrict found, int flags) {                       \
        int result = NEXT(name)(directory, path, found, flags);                                                        \
        SHIFT_STAT(found);                                                                                             \
    }
STATS(stat, stat)
STATS(stat64, stat64)
STATS(lstat, stat)
STATS(lstat64, stat64)
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)

int statx(int directory, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    int result = NEXT(statx)(directory, path, flags, mask, found);
    if (result == 0) {
        found->stx_atime.tv_sec += SHIFT;
        found->stx_btime.tv_sec += SHIFT;
        found->stx_ctime.tv_sec += SHIFT;
        found->stx_mtime.tv_sec += SHIFT;
    }
    return result;
}

// What the kernel is to be given for `times`.
static const struct timespec *back(const struct timespec *times, struct timespec *room) {
    if (!times) return times;
    for (int i = 0; i < 2; i++) {
        room[i] = times[i];
        if (times[i].tv_nsec != UTIME_NOW && times[i].tv_nsec != UTIME_OMIT) room[i].tv_sec -= SHIFT;
    }
    return room;
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
    struct timespec room[2];
    return NEXT(utimensat)(directory, path, back(times, room), flags);
}

int futimens(int file, const struct timespec times[2]) {
    struct timespec room[2];
    return NEXT(futimens)(file, back(times, room));
}
