#include "apiserver/connect/html_links.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::connect {

namespace {

HtmlLinks links() {
  return HtmlLinks([](std::string_view link) { return link.starts_with('/') ? "/p" + std::string(link) : std::string(link); });
}

// The same whether the page comes as a whole or byte by byte.
void check_page(const std::string& page, const std::string& want) {
  HtmlLinks whole = links();
  std::string out = whole.feed(page);
  out += whole.finish();
  EXPECT_EQ(out, want);
  HtmlLinks bytewise = links();
  out.clear();
  for (const char c : page) out += bytewise.feed(std::string(1, c));
  out += bytewise.finish();
  EXPECT_EQ(out, want) << "byte by byte";
}

}  // namespace

TEST(HtmlLinks, AttributesThatAreLinks) {
  check_page("<a href=\"/x\">test</a>", "<a href=\"/p/x\">test</a>");
  check_page("<A class='c' HREF = '/x?a=1&amp;b=2' >/x</A>", "<A class='c' HREF = '/p/x?a=1&amp;b=2' >/x</A>");
  check_page("<img src=/a.png alt=/b><br/><img src=/c>", "<img src=/p/a.png alt=/b><br/><img src=/p/c>");
  check_page("<img longdesc=\"/d\" src=\"/s\" usemap=\"#m\"/>", "<img longdesc=\"/p/d\" src=\"/p/s\" usemap=\"#m\"/>");
  check_page("<link rel=stylesheet href=\"style.css\"><form action='/do'>", "<link rel=stylesheet href=\"style.css\"><form action='/p/do'>");
  check_page("<div href='/x' data-src='/y'><p title='a>b' ><a disabled href='/z'>",
             "<div href='/x' data-src='/y'><p title='a>b' ><a disabled href='/p/z'>");
}

TEST(HtmlLinks, WhatIsNoMarkupStays) {
  check_page("1 < 2 <3 </a href='/x'> <!doctype html>", "1 < 2 <3 </a href='/x'> <!doctype html>");
  check_page("<!-- <a href='/x'> --><a href='/y'>", "<!-- <a href='/x'> --><a href='/p/y'>");
  check_page("<!--><a href='/y'>", "<!--><a href='/p/y'>");
  check_page("<script src=\"/s.js\">if (a<b) x = \"<a href='/x'>\";</Script><a href='/y'>",
             "<script src=\"/p/s.js\">if (a<b) x = \"<a href='/x'>\";</Script><a href='/p/y'>");
  check_page("<title><a href='/x'></title>", "<title><a href='/x'></title>");
}

TEST(HtmlLinks, APageThatBreaksOffLosesNothing) {
  for (const char* page : {"<", "<a", "<a href=\"/x", "<a href", "<!-", "<script>x</scr", "text<!-- open", ""}) check_page(page, page);
}

TEST(HtmlLinks, ATagWithoutAnEndIsNotKeptForEver) {
  HtmlLinks page = links();
  std::string tag = "<a title='" + std::string(html_tag_bytes_max, 'x');
  EXPECT_EQ(page.feed(tag), tag);
  EXPECT_EQ(page.feed("'> <a href='/x'>"), "'> <a href='/p/x'>");
}

}  // namespace pintle::apiserver::connect
