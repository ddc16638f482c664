#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The reader that was written from the format's document alone lists a capture.
set -eu

listing=$(python3 docs/read_trace.py traces/captures/qemu-11.1-type1-7.3.iovt)
expect() {
  if ! printf '%s\n' "$listing" | grep -qx -- "$1"; then
    echo "FAILED: no line \"$1\" in:"
    printf '%s\n' "$listing"
    exit 1
  fi
}
expect 'kernel 7.3.4'
expect '[0-9]* ioctl c0 VFIO_SET_IOMMU errno 0'
expect '[0-9]* ioctl c0 VFIO_IOMMU_MAP_DMA errno 0'
expect '[0-9]* ioctl d0 VFIO_DEVICE_FEATURE errno 25'
expect '- end errno -'
calls=$(printf '%s\n' "$listing" | grep -c ' ioctl ')
[ "$calls" = 73 ] || { echo "FAILED: $calls ioctls, 73 were recorded"; exit 1; }
