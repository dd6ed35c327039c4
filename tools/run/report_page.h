// report.html: what a run found, on one page for a person to check.
#pragma once

#include <span>
#include <string>

#include "tools/run/gallery.h"
#include "tools/run/results.h"

namespace giemsa {

/// The differential count with its intervals, the gallery, failures, latencies and provenance. The page holds its
/// pictures and needs no network; it links to the overlays beside it.
std::string report_html(const RunInfo& info, std::span<const ImageResult> images, const Gallery& gallery);

}  // namespace giemsa
