#include "apiserver/types/request_parameters.h"

#include <gtest/gtest.h>

namespace pintle::apiserver {
namespace {

// The field at fault ("" : none), or the reason's name where there is no field.
std::string list_fault(std::string_view query, bool watch = false) {
  const auto list = parse_list_parameters(Query::parse(query), watch);
  if (list) return "";
  if (list.error().details.causes.empty()) return std::string(reason_name(list.error().reason));
  return list.error().details.causes[0].field;
}

TEST(ListParameters, Combinations) {
  EXPECT_EQ(list_fault(""), "");
  EXPECT_EQ(list_fault("limit=-1"), "");
  EXPECT_EQ(list_fault("limit=x"), "BadRequest");
  EXPECT_EQ(list_fault("timeoutSeconds=x"), "BadRequest");
  EXPECT_EQ(list_fault("resourceVersion=abc"), "BadRequest");
  EXPECT_EQ(list_fault("resourceVersionMatch=Exact"), "resourceVersionMatch");
  EXPECT_EQ(list_fault("resourceVersion=0&resourceVersionMatch=Exact"), "resourceVersionMatch");
  EXPECT_EQ(list_fault("resourceVersion=1&resourceVersionMatch=NotOlderThan"), "");
  EXPECT_EQ(list_fault("resourceVersion=1&resourceVersionMatch=Newest"), "resourceVersionMatch");
  EXPECT_EQ(list_fault("sendInitialEvents=true"), "sendInitialEvents");
  EXPECT_EQ(list_fault("sendInitialEvents=true", true), "resourceVersionMatch");
  EXPECT_EQ(list_fault("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", true), "");
  EXPECT_EQ(list_fault("resourceVersionMatch=NotOlderThan", true), "resourceVersionMatch");
}

void check_list_message(std::string_view query, bool watch, std::string_view message) {
  const auto list = parse_list_parameters(Query::parse(query), watch);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().details.causes[0].message, "Forbidden: " + std::string(message)) << query;
}

TEST(ListParameters, SaysWhatUpstreamSays) {
  check_list_message("resourceVersionMatch=Exact", false, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  check_list_message("resourceVersion=1&resourceVersionMatch=Exact&continue=x", false, "resourceVersionMatch is forbidden when continue is provided");
  check_list_message("resourceVersion=0&resourceVersionMatch=Exact", false, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  check_list_message("sendInitialEvents=true", false, "sendInitialEvents is forbidden for list");
  check_list_message("sendInitialEvents=true", true, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  check_list_message("resourceVersionMatch=NotOlderThan", true, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
}

TEST(ListParameters, Booleans) {
  // Which of the two it is was settled, and authorized, before.
  EXPECT_FALSE(parse_list_parameters(Query::parse("watch=1"), false)->watch);
  EXPECT_TRUE(parse_list_parameters(Query::parse("watch=0"), true)->watch);
}

std::string write_fault(std::string_view query, WriteKind kind) {
  const auto write = parse_write_parameters(Query::parse(query), kind);
  return write ? "" : write.error().details.kind + ":" + write.error().details.causes[0].field;
}

TEST(WriteParameters, Combinations) {
  EXPECT_EQ(write_fault("dryRun=All&fieldValidation=Strict", WriteKind::Create), "");
  EXPECT_EQ(write_fault("dryRun=Some", WriteKind::Create), "CreateOptions:dryRun");
  EXPECT_EQ(write_fault("fieldValidation=Nope", WriteKind::Update), "UpdateOptions:fieldValidation");
  EXPECT_EQ(write_fault("", WriteKind::ApplyPatch), "PatchOptions:fieldManager");
  EXPECT_EQ(write_fault("fieldManager=a&force=1", WriteKind::ApplyPatch), "");
  EXPECT_EQ(write_fault("force=1", WriteKind::Patch), "PatchOptions:force");
  EXPECT_EQ(write_fault("fieldManager=a%07", WriteKind::Create), "CreateOptions:fieldManager");
  EXPECT_EQ(write_fault("fieldManager=" + std::string(129, 'a'), WriteKind::Create), "CreateOptions:fieldManager");
}

TEST(Query, DecodesAsGo) {
  const Query query = Query::parse("a=1&a=2&b=x+y%2Fz&c&bad=%zz&d=;");
  EXPECT_EQ(query.get("a"), "1");
  EXPECT_EQ(query.get_all("a").size(), 2u);
  EXPECT_EQ(query.get("b"), "x y/z");
  EXPECT_TRUE(query.has("c"));
  EXPECT_FALSE(query.has("bad"));
  EXPECT_FALSE(query.has("d"));
}

}  // namespace
}  // namespace pintle::apiserver
