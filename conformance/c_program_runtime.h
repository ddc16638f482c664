// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_C_PROGRAM_RUNTIME_H_
#define IOVALID_CONFORMANCE_C_PROGRAM_RUNTIME_H_

namespace iovalid::conformance {

// What stands in front of the calls of every exported program: memory as scripts find it, the paths
// of the devices, and the table of answers.
inline constexpr char kCProgramRuntime[] = R"C(#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ret of a call that returns a descriptor. */
#define FD LONG_MIN
#define PAGE 4096UL
#define ARGUMENT_PAGE 0x70000000UL

struct answer {
  long ret;
  int error;
  int changed;
  const char *out; /* the struct afterwards, in hex, where changed */
};

static const char *container;
static char **bdfs;
static int devices;
static int own; /* 0: answers should be those of left, 1: of right */
static int unnamed;
static long last_ret;
static int last_errno;
static unsigned char given[4096];
static unsigned char *argument = given;
static size_t given_size;
static int agree, other, calls;

__attribute__((unused)) static void put(unsigned long addr, const void *bytes, size_t size) {
  memcpy((void *)addr, bytes, size);
}

__attribute__((unused)) static void begin_struct(unsigned long addr, const void *in, size_t size) {
  memset((void *)ARGUMENT_PAGE, 0xaa, PAGE);
  argument = (unsigned char *)addr;
  memcpy(argument, in, size);
  memcpy(given, in, size);
  given_size = size;
}

__attribute__((unused)) static void put_fd(size_t offset, int fd) {
  memcpy(argument + offset, &fd, sizeof(fd));
}

__attribute__((unused)) static void clear_fd(size_t offset) {
  memcpy(argument + offset, given + offset, sizeof(int));
}

__attribute__((unused)) static void put_bdf(int device) {
  if (device < devices) strcpy((char *)argument, bdfs[device]);
}

__attribute__((unused)) static void forget_struct(void) { given_size = 0; }

__attribute__((unused)) static void take_fd(size_t offset, int *fd) {
  if (last_ret < 0) return;
  memcpy(fd, argument + offset, sizeof(*fd));
  memset(argument + offset, 0xfd, sizeof(*fd));
}

static void call(long ret, int *fd) {
  last_ret = ret;
  last_errno = ret < 0 ? errno : 0;
  if (fd) *fd = ret < 0 ? -1 : (int)ret;
}

static int same(const struct answer *answer, int changed, const char *hex) {
  if (answer->error != last_errno) return 0;
  if (answer->ret == FD ? last_ret < 0 : answer->ret != last_ret) return 0;
  if (last_errno) return 1;
  if (answer->changed != changed) return 0;
  return !changed || !strcmp(answer->out, hex);
}

static void tell(const char *what, const struct answer *left, const struct answer *right) {
  static char hex[2 * 4096 + 1];
  int changed = given_size != 0 && memcmp(argument, given, given_size) != 0;
  size_t i;
  int is_left, is_right;
  hex[0] = 0;
  for (i = 0; changed && i < given_size; ++i) sprintf(hex + 2 * i, "%02x", argument[i]);
  is_left = same(left, changed, hex);
  is_right = same(right, changed, hex);
  printf("%s = %ld", what, last_ret);
  if (last_errno) printf(" errno %d (%s)", last_errno, strerror(last_errno));
  if (changed) printf(" out %s", hex);
  printf("  [%s]\n", is_left && is_right ? "as both" : is_left ? "as left" : is_right ? "as right" : "OTHER");
  ++calls;
  if (!is_left && !is_right) ++other;
  if (own ? is_right : is_left) ++agree;
  given_size = 0;
  fflush(stdout);
}

__attribute__((unused)) static void touch(unsigned long addr, unsigned long size, int how) {
  unsigned long at;
  for (at = addr; at < addr + size; at += PAGE) {
    volatile unsigned char *byte = (volatile unsigned char *)at;
    if (how == 2) *byte = 1;
    if (how == 1) (void)*byte;
  }
}

__attribute__((unused)) static void map(unsigned long addr, unsigned long size, int prot, int flags,
                                        int fd, long offset, int how) {
  if (mmap((void *)addr, size, prot, flags | MAP_FIXED, fd, offset) == MAP_FAILED) return;
  touch(addr, size, how);
}

__attribute__((unused)) static int make_memfd(unsigned long size) {
  int fd = memfd_create("memory", 0);
  if (fd >= 0 && ftruncate(fd, (long)size)) perror("ftruncate");
  return fd;
}

__attribute__((unused)) static void limit(unsigned long bytes) {
  struct rlimit limit;
  limit.rlim_cur = limit.rlim_max = bytes;
  if (setrlimit(RLIMIT_MEMLOCK, &limit)) perror("setrlimit");
}

__attribute__((unused)) static void drop_capability(int capability) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data)) perror("capget");
  data[capability / 32].effective &= ~(1U << (capability % 32));
  data[capability / 32].permitted &= ~(1U << (capability % 32));
  if (syscall(SYS_capset, &header, data)) perror("capset");
}

__attribute__((unused)) static void entry_limit(unsigned long entries) {
  FILE *file = fopen("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "w");
  if (!file) return;
  fprintf(file, "%lu\n", entries);
  fclose(file);
}

__attribute__((unused)) static const char *group_path(int device) {
  static char path[PATH_MAX + 16];
  char link[PATH_MAX], target[PATH_MAX];
  ssize_t size;
  if (device >= devices) return "/dev/vfio/there-is-no-such-device";
  snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/iommu_group", bdfs[device]);
  size = readlink(link, target, sizeof(target) - 1);
  if (size < 0) return "/dev/vfio/there-is-no-such-group";
  target[size] = 0;
  snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
  return path;
}

__attribute__((unused)) static const char *cdev_path(int device) {
  static char path[PATH_MAX];
  char name[PATH_MAX];
  DIR *directory;
  struct dirent *entry;
  if (device >= devices) return "/dev/vfio/devices/there-is-no-such-device";
  snprintf(name, sizeof(name), "/sys/bus/pci/devices/%s/vfio-dev", bdfs[device]);
  directory = opendir(name);
  strcpy(path, "/dev/vfio/devices/there-is-no-such-device");
  while (directory && (entry = readdir(directory))) {
    if (entry->d_name[0] != '.') snprintf(path, sizeof(path), "/dev/vfio/devices/%.64s", entry->d_name);
  }
  if (directory) closedir(directory);
  return path;
}

static int run_mode(const char *mode, int *fds, int names, void (*run)(void), const char *left,
                    const char *right) {
  int i;
  container = strcmp(mode, "type1") ? "/dev/iommu" : "/dev/vfio/vfio";
  own = strcmp(mode, left) && !strcmp(mode, right);
  for (i = 0; i < names; ++i) fds[i] = -1;
  map(ARGUMENT_PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, 2);
  map(0x70010000UL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, 2);
  run();
  printf("%d calls, %d as the model of %s says, %d as neither\n", calls, agree, mode, other);
  fflush(stdout);
  return agree == calls ? 0 : 1;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The devices that are bound to vfio-pci, in order. */
static void find_devices(void) {
  static char *found[16];
  DIR *directory = opendir("/sys/bus/pci/drivers/vfio-pci");
  struct dirent *entry;
  while (directory && devices < 16 && (entry = readdir(directory))) {
    if (strchr(entry->d_name, ':')) found[devices++] = strdup(entry->d_name);
  }
  if (directory) closedir(directory);
  qsort(found, (size_t)devices, sizeof(found[0]), by_name);
  bdfs = found;
}

static int run_all(int argc, char **argv, int *fds, int names, void (*run)(void), const char *left,
                   const char *right) {
  static const char *const modes[] = {"type1", "compat"};
  int i, failed = 0;
  if (argc >= 3 && (!strcmp(argv[1], "type1") || !strcmp(argv[1], "compat"))) {
    bdfs = argv + 2;
    devices = argc - 2;
    return run_mode(argv[1], fds, names, run, left, right);
  }
  if (argc > 1) {
    fprintf(stderr, "usage: %s [type1|compat BDF...]\n", argv[0]);
    return 2;
  }
  /* Both modes, each in a process of its own. */
  find_devices();
  for (i = 0; i < 2; ++i) {
    int status = 0;
    pid_t child;
    if (access(i ? "/dev/iommu" : "/dev/vfio/vfio", R_OK | W_OK)) {
      printf("mode %s: cannot be run here\n", modes[i]);
      continue;
    }
    printf("mode %s, %d devices\n", modes[i], devices);
    fflush(stdout);
    child = fork();
    if (child == 0) _exit(run_mode(modes[i], fds, names, run, left, right));
    if (child < 0 || waitpid(child, &status, 0) != child || status) failed = 1;
  }
  return failed;
}
)C";

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_C_PROGRAM_RUNTIME_H_
