// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_COMPAT_IOMMUFD_OBJECT_TABLE_H_
#define IOVALID_COMPAT_IOMMUFD_OBJECT_TABLE_H_

#include <cstdint>
#include <vector>

namespace iovalid::compat {

// Kinds of iommufd objects. All share one id space (enum iommufd_object_type).
enum class ObjectType : uint8_t {
  kNone,  // a free id
  kDevice,
  kHwptPaging,
  kIoas,
  kAccess,
  kFault,  // IOMMUFD_OBJ_FAULT: a fault queue; it has no record
};

// An object: what it is, where its record is, and how many use it. A new object has one user, its
// existence; it can be destroyed while that is the only one (struct iommufd_object).
struct Object {
  ObjectType type = ObjectType::kNone;
  uint32_t users = 0;
  uint32_t record = 0;  // index among the records of its type
};

// The objects of a context by id (iommufd_ctx::objects). Ids start at 1; a new object gets the
// lowest free one.
class ObjectTable {
 public:
  uint32_t Add(ObjectType type, uint32_t record);
  void Remove(uint32_t id);

  // Null where there is no object with this id.
  Object* Find(uint32_t id);
  const Object* Find(uint32_t id) const;
  // Null where there is none of this type with this id.
  const Object* Find(uint32_t id, ObjectType type) const;

  Object& operator[](uint32_t id) { return objects_[id]; }
  const Object& operator[](uint32_t id) const { return objects_[id]; }

  bool empty() const { return live_ == 0; }
  // One more than the highest id there ever was.
  uint32_t end() const { return static_cast<uint32_t>(objects_.size()); }

 private:
  std::vector<Object> objects_ = std::vector<Object>(1);  // by id; 0 is never used
  uint32_t live_ = 0;
};

}  // namespace iovalid::compat

#endif  // IOVALID_COMPAT_IOMMUFD_OBJECT_TABLE_H_
