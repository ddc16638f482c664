// SPDX-License-Identifier: Apache-2.0
#ifndef IOVALID_CONFORMANCE_REPORT_TEXT_H_
#define IOVALID_CONFORMANCE_REPORT_TEXT_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "conformance/outcome_text.h"
#include "conformance/replay.h"
#include "conformance/style.h"

namespace iovalid::conformance {

// The replay for a reader: each differing call in strace style with both answers, the rules that
// decided them and what of the state is now different; then a summary.
class TextReporter : public ReplayReporter {
 public:
  TextReporter(std::ostream& out, const Style& style, bool all)
      : out_(out), style_(style), all_(all) {}

  void Begin(const std::string& file, const traces::Header& header, const Side& left,
             const Side& right) override;
  void Step(const Position& at, const traces::Event& event, Differ& differ,
            const Label& label) override;
  void End(const ReplayCounts& counts) override;

 private:
  // A kind of difference: the call and what it answered on both sides.
  struct Kind {
    std::string call, left, right, what, row;
    auto operator<=>(const Kind&) const = default;
  };
  struct Tally {
    uint64_t count = 0;
    std::string first;  // "#12", "3#12"
    uint64_t order = 0;
  };
  // An answer that differs, as the recorded program may have acted on it.
  struct Decisive {
    std::string place, call;
    std::vector<std::string> left, right;
    uint64_t event;
  };

  std::string Place(const Position& at) const;
  void PrintCall(const Position& at, const traces::Event& event, const Answer& left,
                 const Answer& right, const Differ::Report& report);
  void PrintSide(const std::string& name, bool is_left, const Answer& answer,
                 const compat::Rule* rule);
  void PrintState(Differ& differ);
  void PrintLabel(const traces::Event& event, const Label& label);
  void NoteDecisive(const Position& at, const traces::Event& event, const Answer& left,
                    const Answer& right);
  void PrintDecisive();

  std::ostream& out_;
  Style style_;
  bool all_;

  std::string left_name_, right_name_, recorded_name_;
  bool capture_ = false;
  size_t name_width_ = 0;
  int64_t printed_seq_ = 0;
  uint64_t events_ = 0;
  std::map<Kind, Tally> kinds_;
  std::map<int, uint64_t> rows_;  // of the catalogue: how often each was named
  std::map<Component, std::set<std::string>> standing_;  // difference lines already shown
  std::vector<Decisive> decisive_;
};

}  // namespace iovalid::conformance

#endif  // IOVALID_CONFORMANCE_REPORT_TEXT_H_
