// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include "traces/golden.h"
#include "traces/golden_line.h"

namespace iovalid::traces {
namespace {

void FormatDevice(const Device& device, std::string* out) {
  GoldenLine line(out);
  line.Str("name", device.name());
  line.Str("bdf", device.bdf());
  line.OptStr("group", device.group());
  line.OptStr("group_path", device.group_path());
  line.OptStr("model", device.model());
  line.OptStr("cdev", device.cdev());
  line.OptStr("cdev_path", device.cdev_path());
  if (device.has_bar0_len()) line.Number("bar0_len", device.bar0_len());
  if (device.has_kind()) line.Str("kind", DeviceKindName(device.kind()));
  if (device.has_dma_unmap()) line.Str("dma_unmap", DmaUnmapName(device.dma_unmap()));
  line.End("}");
}

void FormatRange(std::string_view key, const IovaRange& range, GoldenLine* line) {
  line->Key(key);
  line->out()->push_back('[');
  line->RawHex(range.first());
  line->out()->push_back(',');
  line->RawHex(range.last());
  line->out()->push_back(']');
}

void FormatHardware(const Hardware& hw, std::string* out) {
  GoldenLine line(out);
  line.Str("type", hw.type());
  line.Number("aw_bits", hw.aw_bits());
  line.OptStr("mode", hw.mode());
  if (hw.has_caching_mode()) line.Bool("caching_mode", hw.caching_mode());
  if (hw.has_intremap()) line.Bool("intremap", hw.intremap());
  if (hw.has_msi_window()) FormatRange("msi_window", hw.msi_window(), &line);
  if (hw.has_aperture()) FormatRange("aperture", hw.aperture(), &line);
  if (hw.has_cap()) line.Hex("cap", hw.cap());
  if (hw.has_ecap()) line.Hex("ecap", hw.ecap());
  if (hw.has_page_sizes()) line.Hex("page_sizes", hw.page_sizes());
  line.End("}");
}

}  // namespace

void FormatGoldenHeader(const Header& header, std::string* out) {
  GoldenLine line(out);
  line.Number("golden", header.has_golden() ? header.golden() : 1);
  if (header.has_capture()) line.Bool("capture", header.capture());
  line.Str("kernel", header.kernel());
  line.OptStr("uname", header.uname());
  line.OptStr("config", header.config());
  line.Key("iommu");
  FormatHardware(header.hardware(), out);
  line.Str("mode", ModeName(header.mode()));
  if (header.has_set_iommu()) line.Number("set_iommu", header.set_iommu());
  line.Key("devices");
  out->push_back('[');
  for (int i = 0; i < header.devices_size(); ++i) {
    if (i > 0) out->push_back(',');
    FormatDevice(header.devices(i), out);
  }
  out->push_back(']');
  line.Number("page_size", header.page_size());
  if (header.has_dma_view()) line.Bool("dma_view", header.dma_view());
  line.OptStr("family", header.family());
  line.OptStr("program", header.program());
  line.OptStr("container_node", header.container_node());
  if (header.module_parameters_size() > 0) {
    WriteRows(&line, "module_parameters", header.module_parameters(),
              [&](const ModuleParameter& p) {
                AppendJsonString(p.module(), out);
                out->push_back(',');
                AppendJsonString(p.name(), out);
                out->push_back(',');
                AppendJsonString(p.value(), out);
              });
  }
  line.End();
}

}  // namespace iovalid::traces
