// SPDX-License-Identifier: Apache-2.0
// Every step of a command that can fail is made to fail, one at a time. A command that fails leaves
// everything as it was, but for what the kernel leaves: a struct that can't be written back comes
// too late to undo anything.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compat/iommufd/native_fixture.h"
#include "sim/fail_nth.h"

namespace iovalid::compat {
namespace {

using sim::Errno;

// A fixture that can be made again and again: dev0 and dev1 bound, two IOASs and a memfd.
struct Scene : Native {
  Scene() : ioas(NewIoas()), other(NewIoas()) {
    cdev[0] = Bind(0, &device[0]);
    cdev[1] = Bind(1, &device[1]);
    const sim::ObjectId object = p.memory().CreateObject(sim::ObjectKind::kShmem, 16 * kPage);
    memfd =
        static_cast<int>(p.system().InstallForeignFile(p.task(), ForeignFile::kMemfd, object).ret);
    p.system().DropCapability(p.task(), sim::kCapIpcLock);
  }
  void TestBody() override {}

  uint32_t ioas, other;
  uint32_t device[2];
  int cdev[2];
  int memfd;
};

using Step = std::function<Outcome(Scene&)>;

// What a failure at a point leaves, where it is not what was before: the calls that lead there.
using Leaves = std::map<std::string, std::vector<Step>>;

// Makes `call` fail at each of its points after `before`. Returns how often each was reached.
std::map<std::string, unsigned> FailEach(const std::vector<Step>& before, const Step& call,
                                         const Leaves& leaves = {}) {
  std::map<std::string, unsigned> points;
  for (uint64_t n = 1; n < 200; ++n) {
    Scene scene, expected;
    for (const Step& step : before) {
      EXPECT_TRUE(step(scene).ok());
      EXPECT_TRUE(step(expected).ok());
    }
    sim::FailNth hook(n);
    scene.p.system().SetHook(&hook);
    const Outcome outcome = call(scene);
    scene.p.system().SetHook(nullptr);
    if (hook.failed().empty()) {
      EXPECT_TRUE(outcome.ok());
      return points;
    }
    ++points[hook.failed()];
    const bool copy = hook.failed().find("copy_") == 0 || hook.failed() == "pin_user_pages";
    EXPECT_EQ(outcome.err, copy ? Errno::kFAULT : Errno::kNOMEM) << hook.failed();
    if (const auto at = leaves.find(hook.failed()); at != leaves.end()) {
      for (const Step& step : at->second) (void)step(expected);
    }
    EXPECT_EQ(scene.p.system().IdentityDigest(), expected.p.system().IdentityDigest())
        << hook.failed() << ", point " << n;
    EXPECT_EQ(scene.p.system().account(0), expected.p.system().account(0)) << hook.failed();
    EXPECT_EQ(scene.p.Reach(0), expected.p.Reach(0)) << hook.failed();
    EXPECT_EQ(scene.p.Reach(1), expected.p.Reach(1)) << hook.failed();
  }
  ADD_FAILURE() << "there is no end of it";
  return points;
}

Step Attach(unsigned device) {
  return [device](Scene& s) { return s.Attach(s.cdev[device], s.ioas); };
}
Step Map(uint64_t iova, uint64_t pages) {
  return [=](Scene& s) { return s.Map(s.ioas, iova, s.kBuffer, pages * s.kPage); };
}
Step MapFile(uint64_t iova, uint64_t pages) {
  return [=](Scene& s) { return s.MapFile(s.ioas, iova, s.memfd, 0, pages * s.kPage); };
}
Step Copy(uint64_t from, uint64_t to, uint64_t pages) {
  return [=](Scene& s) { return s.Copy(s.ioas, from, s.other, to, pages * s.kPage); };
}
Step Unmap(uint64_t iova, uint64_t pages) {
  return [=](Scene& s) { return s.Unmap(s.ioas, iova, pages * s.kPage); };
}

TEST(FailNthTest, Map) {
  const auto points = FailEach({Attach(0)}, Map(0x10000, 4), {{"copy_to_user", {Map(0x10000, 4)}}});
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"alloc:iommu_map", 1},
                                                     {"alloc:iopt_area", 1},
                                                     {"alloc:iopt_pages", 1},
                                                     {"alloc:pfn_batch", 1},
                                                     {"alloc:upages", 1},
                                                     {"copy_from_user", 2},
                                                     {"copy_to_user", 1},
                                                     {"pin_user_pages", 1}}));
}

TEST(FailNthTest, MapFile) {
  const auto points =
      FailEach({Attach(0)}, MapFile(0x10000, 4), {{"copy_to_user", {MapFile(0x10000, 4)}}});
  EXPECT_EQ(points.size(), 8u);
}

TEST(FailNthTest, Copy) {
  const std::vector<Step> before = {Attach(0), Map(0x10000, 2), Map(0x12000, 2),
                                    [](Scene& s) { return s.Attach(s.cdev[1], s.other); }};
  const auto points =
      FailEach(before, Copy(0x10000, 0x40000, 4), {{"copy_to_user", {Copy(0x10000, 0x40000, 4)}}});
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"alloc:iommu_map", 2},
                                                     {"alloc:iopt_area", 2},
                                                     {"alloc:iopt_pages_list", 2},
                                                     {"alloc:pfn_batch", 2},
                                                     {"copy_from_user", 2},
                                                     {"copy_to_user", 1}}));
}

TEST(FailNthTest, Unmap) {
  const auto points = FailEach({Attach(0), Map(0x10000, 2), Map(0x12000, 2)}, Unmap(0x10000, 4),
                               {{"copy_to_user", {Unmap(0x10000, 4)}}});
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"copy_from_user", 2}, {"copy_to_user", 1}}));
}

TEST(FailNthTest, FirstAttach) {
  const auto points = FailEach({Map(0x10000, 2), Map(0x20000, 2)}, Attach(0));
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"alloc:iommu_domain", 1},
                                                     {"alloc:iommu_map", 2},
                                                     {"alloc:iommufd_attach", 1},
                                                     {"alloc:iommufd_attach_handle", 1},
                                                     {"alloc:iommufd_object", 1},
                                                     {"alloc:iopt_reserved", 2},
                                                     {"alloc:pfn_batch", 2},
                                                     {"alloc:upages", 2},
                                                     {"copy_from_user", 1},
                                                     {"copy_to_user", 1},
                                                     {"pin_user_pages", 2}}));
}

// An answer that can't be written ends in a detached device, not in the old attachment.
TEST(FailNthTest, Replace) {
  const Step replace = [](Scene& s) { return s.Attach(s.cdev[0], s.other); };
  const Step detach = [](Scene& s) {
    abi::VfioDeviceDetachIommufdPt cmd{8, 0, 0};
    return s.p.Ioctl(s.cdev[0], abi::kVfioDeviceDetachIommufdPt, &cmd);
  };
  const auto points = FailEach({Map(0x10000, 2), Attach(0), Copy(0x10000, 0x40000, 2)}, replace,
                               {{"copy_to_user", {replace, detach}}});
  EXPECT_EQ(points.at("alloc:iommufd_attach_handle"), 1u);
  EXPECT_EQ(points.at("alloc:iommu_map"), 1u);
  EXPECT_EQ(points.at("copy_to_user"), 1u);
}

TEST(FailNthTest, ChangeProcess) {
  const Step change = [](Scene& s) {
    abi::IommuIoasChangeProcess cmd{sizeof(cmd), 0};
    return s.p.Ioctl(s.fd, abi::kIommuIoasChangeProcess, &cmd);
  };
  const auto points = FailEach({Attach(0), MapFile(0x10000, 4)}, change);
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"copy_from_user", 2}}));
}

TEST(FailNthTest, HwptAlloc) {
  const auto points = FailEach({Map(0x10000, 2)}, [](Scene& s) {
    uint32_t id = 0;
    return s.NewHwpt(s.device[0], s.ioas, &id);
  });
  EXPECT_EQ(points.at("alloc:iommu_map"), 1u);
  EXPECT_EQ(points.at("copy_to_user"), 1u);
}

TEST(FailNthTest, FaultQueueAlloc) {
  const auto points = FailEach({}, [](Scene& s) {
    abi::IommuFaultAlloc cmd{sizeof(cmd), 0, 0, 0};
    return s.p.Ioctl(s.fd, abi::kIommuFaultQueueAlloc, &cmd);
  });
  EXPECT_EQ(points, (std::map<std::string, unsigned>{{"alloc:eventq_file", 1},
                                                     {"alloc:iommufd_object", 1},
                                                     {"copy_from_user", 2},
                                                     {"copy_to_user", 1}}));
}

// A cut that was made stays, although the call that made it fails.
TEST(FailNthTest, UnmapOfAPart) {
  const Step small_pages = [](Scene& s) {
    uint64_t off = 0;
    return s.Option(abi::kIommuOptionHugePages, abi::kIommuOptionOpSet, s.ioas, &off);
  };
  const Step choose = [](Scene& s) {
    abi::IommuVfioIoas cmd{sizeof(cmd), s.ioas, abi::kIommuVfioIoasSet, 0};
    return s.p.Ioctl(s.fd, abi::kIommuVfioIoas, &cmd);
  };
  const Step unmap = [](Scene& s) { return s.p.Unmap(s.fd, 0x11000, s.kPage); };
  const std::vector<Step> before = {small_pages, choose, Attach(0), Map(0x10000, 4)};
  for (uint64_t n = 1; n <= 6; ++n) {
    Scene scene;
    for (const Step& step : before) ASSERT_TRUE(step(scene).ok());
    sim::FailNth hook(n);
    scene.p.system().SetHook(&hook);
    const Outcome outcome = unmap(scene);
    scene.p.system().SetHook(nullptr);
    const size_t areas = scene.p.system().Snapshot().mappings.size();
    if (n == 6) {
      EXPECT_EQ(hook.failed(), "copy_to_user");
      EXPECT_EQ(outcome.err, Errno::kFAULT);
      EXPECT_EQ(scene.p.Reach(0), "10000+1:rw 12000+2:rw");
    } else {
      EXPECT_EQ(outcome.err, n == 1 ? Errno::kFAULT : Errno::kNOMEM);
      EXPECT_EQ(scene.p.Reach(0), "10000+4:rw");
      EXPECT_EQ(areas, n <= 3 ? 1u : 2u) << hook.failed();
    }
  }
}

}  // namespace
}  // namespace iovalid::compat
