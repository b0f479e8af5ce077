#include "controller/attach_detach/plan.h"

#include <gtest/gtest.h>

namespace pintle::controller::attach_detach {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// The steps as "Verb node[:forced][<others]", then the time of the next look.
std::string said(const Observed& seen) {
  constexpr std::string_view verbs[] = {"detach", "forget", "attach", "confirm", "error", "timeout", "elsewhere"};
  std::string out;
  const Plan plan = plan_volume(seen);
  for (const Step& step : plan.steps) {
    out += (out.empty() ? "" : ", ") + std::string(verbs[static_cast<std::size_t>(step.kind)]) + " " + step.node;
    if (!step.forced.empty()) out += ":" + std::string(step.forced);
    for (const std::string& other : step.others) out += "<" + other;
  }
  if (plan.look_again) out += " again " + std::to_string(std::chrono::duration_cast<seconds>(*plan.look_again).count());
  return out;
}

NodeView wanted() { return {.wanted = true, .healthy = true}; }
NodeView asked(rt::Duration since = {}) {
  return {.wanted = true, .known = true, .attachment = AttachmentView{}, .healthy = true, .asked_for = since};
}
NodeView attached() { return {.wanted = true, .known = true, .confirmed = true, .attachment = AttachmentView{.attached = true}, .healthy = true}; }
NodeView unwanted() {
  NodeView out = attached();
  out.wanted = false;
  return out;
}

void check(Observed seen, std::map<std::string, NodeView> nodes, const std::string& want) {
  seen.nodes = std::move(nodes);
  EXPECT_EQ(said(seen), want);
}

TEST(AttachPlan, OneNode) {
  check({}, {}, "");
  check({}, {{"a", wanted()}}, "attach a");
  check({}, {{"a", asked()}}, " again 120");
  check({}, {{"a", asked(seconds(90))}}, " again 30");
  check({}, {{"a", asked(minutes(2))}}, "timeout a again 120");
  check({}, {{"a", attached()}}, "");
  check({.attachable = false}, {{"a", wanted()}}, "");
  NodeView node = attached();
  node.confirmed = false;
  check({}, {{"a", node}}, "confirm a");
  node = asked();
  node.attachment->error = "no";
  check({}, {{"a", node}}, "error a");
  node = attached();
  node.attachment->deleting = true;
  check({}, {{"a", node}}, "");
  node = attached();
  node.attachment.reset();  // somebody took it away
  check({}, {{"a", node}}, "attach a");
}

TEST(AttachPlan, WhatIsNotNeeded) {
  check({}, {{"a", unwanted()}}, "detach a");
  check({.attachable = false}, {{"a", attached()}}, "detach a");
  NodeView node = unwanted();
  node.attachment->deleting = true;
  check({}, {{"a", node}}, "");
  node.attachment.reset();
  check({}, {{"a", node}}, "forget a");
  node = unwanted();
  node.known = false;  // another's
  check({}, {{"a", node}}, "");
}

TEST(AttachPlan, WhatTheNodeUses) {
  NodeView node = unwanted();
  node.in_use = true;
  check({}, {{"a", node}}, " again 360");
  node.unwanted_for = minutes(5);
  check({}, {{"a", node}}, " again 60");
  node.unwanted_for = minutes(6);
  check({}, {{"a", node}}, "");  // a node that is ready is waited for, however long
  node.healthy = false;
  check({}, {{"a", node}}, "detach a:timeout");
  check({.force_on_timeout = false}, {{"a", node}}, "");
  node.out_of_service = true;
  check({.force_on_timeout = false}, {{"a", node}}, "detach a:out-of-service");
  node.unwanted_for = {};
  check({}, {{"a", node}}, "detach a:out-of-service");
  node.out_of_service = false;
  check({}, {{"a", node}}, " again 360");
}

TEST(AttachPlan, SeveralNodes) {
  const Observed several, single{.multi_attach = false};
  check(several, {{"a", attached()}, {"b", wanted()}}, "attach b");
  check(single, {{"a", attached()}, {"b", wanted()}}, "elsewhere b<a");
  check(single, {{"a", wanted()}, {"b", wanted()}}, "attach a, elsewhere b<a");
  check(single, {{"a", unwanted()}, {"b", wanted()}}, "detach a");
  NodeView used = unwanted();
  used.in_use = true;
  check(single, {{"a", used}, {"b", wanted()}}, "elsewhere b<a again 360");
  NodeView gone = unwanted();
  gone.attachment.reset();
  check(single, {{"a", gone}, {"b", wanted()}}, "forget a, attach b");
  check(several, {{"a", unwanted()}, {"b", wanted()}}, "detach a, attach b");
}

}  // namespace
}  // namespace pintle::controller::attach_detach
