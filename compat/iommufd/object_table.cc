// SPDX-License-Identifier: Apache-2.0
#include "compat/iommufd/object_table.h"

namespace iovalid::compat {

uint32_t ObjectTable::Add(ObjectType type, uint32_t record) {
  uint32_t id = 1;
  while (id < objects_.size() && objects_[id].type != ObjectType::kNone) ++id;
  if (id == objects_.size()) objects_.emplace_back();
  objects_[id] = {type, 1, record};
  ++live_;
  return id;
}

void ObjectTable::Remove(uint32_t id) {
  objects_[id] = {};
  --live_;
}

Object* ObjectTable::Find(uint32_t id) {
  if (id >= objects_.size() || objects_[id].type == ObjectType::kNone) return nullptr;
  return &objects_[id];
}

const Object* ObjectTable::Find(uint32_t id) const {
  return const_cast<ObjectTable*>(this)->Find(id);
}

const Object* ObjectTable::Find(uint32_t id, ObjectType type) const {
  const Object* object = Find(id);
  return object != nullptr && object->type == type ? object : nullptr;
}

}  // namespace iovalid::compat
