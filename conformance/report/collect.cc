// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "conformance/catalogue/built_in.h"
#include "conformance/parallel.h"
#include "conformance/printable.h"
#include "conformance/report/report.h"
#include "conformance/report/timeline.h"
#include "traces/open_any.h"
#include "traces/text.h"

namespace iovalid::conformance::report {
namespace {

using File = ReportData::File;
using Kind = ReportData::Kind;

// Calls work(i) for each i below `count`, on `jobs` threads. The error is that of the least i.
absl::Status ForEach(size_t count, unsigned jobs, const std::function<absl::Status(size_t)>& work) {
  std::vector<absl::Status> statuses(count);
  ForEachIndex(count, jobs, [&](size_t i, unsigned) { statuses[i] = work(i); });
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

class Collector {
 public:
  Collector(const ReportOptions& options, const std::function<void(size_t, size_t)>& progress)
      : options_(options), progress_(progress) {
    for (const auto& [name, text] : BuiltInCatalogueTraces()) built_in_[name] = text;
    for (const std::string& path : options.files) {
      data_.files.emplace_back();
      data_.files.back().info.path = Printable(path);
    }
    const auto& rows = Catalogue::BuiltIn().rows();
    for (const Kind kind : {Kind::kMinimal, Kind::kNear}) {
      for (size_t row = 0; row < rows.size(); ++row) {
        const std::string name =
            "traces/" + rows[row].id() + (kind == Kind::kNear ? ".near" : "") + ".textproto";
        if (built_in_.count(name) == 0) continue;
        File file;
        file.kind = kind;
        file.row = static_cast<int>(row);
        file.info.path = name;
        data_.files.push_back(std::move(file));
      }
    }
    surveys_.resize(data_.files.size());
  }

  absl::StatusOr<ReportData> Run() {
    const size_t count = data_.files.size();
    absl::Status status = ForEach(count, options_.jobs, [&](size_t i) { return SurveyFile(i); });
    if (!status.ok()) return status;
    for (size_t i = 0; i < count; ++i) {
      if (data_.files[i].kind == Kind::kNear) continue;
      data_.all.Merge(surveys_[i]);
      if (data_.files[i].kind == Kind::kCorpus) data_.survey.Merge(surveys_[i]);
    }
    // What pages point at is drawn in any case.
    wanted_.resize(count);
    const auto want = [&](const Place& place) {
      wanted_[place.file].emplace(place.sequence, place.event);
    };
    for (const auto& [key, entry] : data_.all.matrix) want(entry.shortest);
    for (const auto& [row, seen] : data_.survey.rows) want(seen.first);
    status = ForEach(count, options_.jobs, [&](size_t i) { return DrawFile(i); });
    if (!status.ok()) return status;
    for (auto& texts : rule_texts_) data_.all.rule_texts.merge(texts);
    data_.searches = options_.searches;
    return std::move(data_);
  }

 private:
  absl::StatusOr<std::unique_ptr<traces::EventSource>> Open(size_t i) const {
    const File& file = data_.files[i];
    if (file.kind == Kind::kCorpus) return traces::OpenAny(options_.files[i]);
    return traces::OpenTextFromString(file.info.path, built_in_.at(file.info.path));
  }

  // The sides that the timeline shows.
  absl::StatusOr<Columns> FirstColumns(size_t i, const traces::Header& header) const {
    const File& file = data_.files[i];
    if (file.kind == Kind::kCorpus) return Columns::CreateFirst(header);
    const catalogue::Row& row = Catalogue::BuiltIn().rows()[static_cast<size_t>(file.row)];
    const auto left = ParseSide(row.show_left().empty() ? "type1@7.3" : row.show_left());
    if (!left.ok()) return left.status();
    const auto right = ParseSide(row.show_right().empty() ? "compat@7.3" : row.show_right());
    if (!right.ok()) return right.status();
    return Columns::CreatePair(header, *left, *right);
  }

  absl::Status SurveyFile(size_t i) {
    File& file = data_.files[i];
    auto source = Open(i);
    if (!source.ok()) return source.status();
    auto columns = file.kind == Kind::kNear ? FirstColumns(i, (*source)->header())
                                            : Columns::Create((*source)->header());
    if (!columns.ok()) return traces::At(file.info.path, columns.status());
    const absl::Status status = SurveyTrace(**source, static_cast<uint32_t>(i),
                                            *std::move(columns), &file.info, &surveys_[i]);
    Done();
    return status;
  }

  absl::Status DrawFile(size_t i) {
    File& file = data_.files[i];
    const Selection selection = SelectEvents(file.info, wanted_[i], options_.steps);
    for (const auto& [sequence, events] : selection) {
      file.drawn += events.size();
      file.drawn_of[sequence] = static_cast<uint32_t>(events.size());
    }
    auto source = Open(i);
    if (!source.ok()) return source.status();
    auto columns = FirstColumns(i, (*source)->header());
    if (!columns.ok()) return traces::At(file.info.path, columns.status());
    file.info.left = columns->first().differ.left().side().Name();
    file.info.right = columns->first().differ.right().side().Name();
    std::map<std::string, std::pair<std::string, std::string>> texts;
    const absl::Status status =
        WriteTimeline(**source, *std::move(columns), selection, &texts, &file.timeline);
    Done(&texts);
    return status;
  }

  void Done(std::map<std::string, std::pair<std::string, std::string>>* texts = nullptr) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (texts != nullptr) rule_texts_.push_back(std::move(*texts));
    ++done_;
    if (progress_) progress_(done_, 2 * data_.files.size());
  }

  const ReportOptions& options_;
  const std::function<void(size_t, size_t)>& progress_;
  std::map<std::string, std::string> built_in_;
  ReportData data_;
  std::vector<Survey> surveys_;
  std::vector<std::set<std::pair<uint32_t, uint32_t>>> wanted_;
  std::mutex mutex_;
  size_t done_ = 0;
  std::vector<std::map<std::string, std::pair<std::string, std::string>>> rule_texts_;
};

}  // namespace

absl::StatusOr<ReportData> CollectReport(const ReportOptions& options,
                                         const std::function<void(size_t, size_t)>& progress) {
  return Collector(options, progress).Run();
}

}  // namespace iovalid::conformance::report
