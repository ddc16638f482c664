// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "traces/golden.h"
#include "traces/golden_fields.h"

namespace iovalid::traces {
namespace {

using Node = JsonLine::Node;
using Type = JsonLine::Type;

IovaRange ParseRange(const JsonLine& json, GoldenFields* fields, std::string_view key) {
  IovaRange range;
  const Node* array = fields->Array(key);
  if (array == nullptr) return range;
  if (array->count != 2) {
    fields->Wrong(*array, key, "not an array of 2");
    return range;
  }
  const Node* first = json.First(*array);
  range.set_first(fields->HexOf(first, key, UINT64_MAX));
  range.set_last(fields->HexOf(json.Next(*first), key, UINT64_MAX));
  return range;
}

absl::Status ParseHardware(const JsonLine& json, const Node& object, Hardware* hw) {
  GoldenFields f(json, object);
  hw->set_type(f.Str("type"));
  hw->set_aw_bits(f.U32("aw_bits"));
  hw->set_mode(f.OptStr("mode"));
  if (f.Has("caching_mode")) hw->set_caching_mode(f.Bool("caching_mode"));
  if (f.Has("intremap")) hw->set_intremap(f.Bool("intremap"));
  if (f.Has("msi_window")) *hw->mutable_msi_window() = ParseRange(json, &f, "msi_window");
  if (f.Has("aperture")) *hw->mutable_aperture() = ParseRange(json, &f, "aperture");
  if (f.Has("cap")) hw->set_cap(f.Hex("cap"));
  if (f.Has("ecap")) hw->set_ecap(f.Hex("ecap"));
  if (f.Has("page_sizes")) hw->set_page_sizes(f.Hex("page_sizes"));
  return f.status();
}

absl::Status ParseDevice(const JsonLine& json, const Node& object, Device* device) {
  GoldenFields f(json, object);
  device->set_name(f.Str("name"));
  device->set_bdf(f.Str("bdf"));
  device->set_group(f.OptStr("group"));
  device->set_cdev(f.OptStr("cdev"));
  if (f.Has("bar0_len")) device->set_bar0_len(f.U64("bar0_len"));
  device->set_group_path(f.OptStr("group_path"));
  device->set_cdev_path(f.OptStr("cdev_path"));
  device->set_model(f.OptStr("model"));
  if (f.Has("kind")) device->set_kind(f.OfKind("kind"));
  if (f.Has("dma_unmap")) device->set_dma_unmap(f.OfDmaUnmap("dma_unmap"));
  return f.status();
}

}  // namespace

absl::Status ParseGoldenHeader(std::string_view line, JsonLine* json, Header* header) {
  header->Clear();
  if (auto status = json->Parse(line); !status.ok()) return status;
  GoldenFields f(*json, json->root());
  if (!f.Has("golden")) {
    return absl::InvalidArgumentError("the first line is not a header (no \"golden\")");
  }
  if (f.Has("bytes")) {
    if (!ParseWholeMessage(&f, header)) {
      return absl::InvalidArgumentError("\"bytes\" is not a Header message");
    }
    return f.status();
  }
  header->set_golden(f.U32("golden"));
  if (f.status().ok() && header->golden() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("version ", header->golden(), " of golden JSONL; this program reads 1"));
  }
  if (f.Has("capture")) header->set_capture(f.Bool("capture"));
  header->set_kernel(f.Str("kernel"));
  header->set_uname(f.OptStr("uname"));
  header->set_config(f.OptStr("config"));
  if (const Node* object = f.Object("iommu")) {
    if (auto status = ParseHardware(*json, *object, header->mutable_hardware()); !status.ok()) {
      return status;
    }
  }
  header->set_mode(f.OfMode("mode"));
  if (f.Has("set_iommu")) header->set_set_iommu(f.U32("set_iommu"));
  if (const Node* array = f.Array("devices")) {
    for (const Node* device = json->First(*array); device != nullptr;
         device = json->Next(*device)) {
      if (device->type != Type::kObject) {
        f.Wrong(*device, "devices", "not an object");
        break;
      }
      if (auto status = ParseDevice(*json, *device, header->add_devices()); !status.ok()) {
        return status;
      }
    }
  }
  header->set_page_size(f.U32("page_size"));
  if (f.Has("dma_view")) header->set_dma_view(f.Bool("dma_view"));
  header->set_family(f.OptStr("family"));
  header->set_program(f.OptStr("program"));
  header->set_container_node(f.OptStr("container_node"));
  EachRow(*json, &f, "module_parameters", 3, [&](const Node* const* items) {
    ModuleParameter* parameter = header->add_module_parameters();
    parameter->set_module(std::string(f.Text(items[0], "module_parameters")));
    parameter->set_name(std::string(f.Text(items[1], "module_parameters")));
    parameter->set_value(std::string(f.Text(items[2], "module_parameters")));
  });
  return f.status();
}

}  // namespace iovalid::traces
