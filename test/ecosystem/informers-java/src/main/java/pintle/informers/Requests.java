package pintle.informers;

import java.util.ArrayList;
import java.util.List;

/** What informers ask, as a client's interceptor sees it. For any thread. */
final class Requests {
  private final List<String> lists = new ArrayList<>();
  private final List<String> watches = new ArrayList<>();

  synchronized void add(String query) {
    String text = query == null ? "" : query;
    (text.contains("watch=true") ? watches : lists).add(text);
  }

  synchronized List<String> initialWatches() {
    return watches.stream().filter(q -> q.contains("sendInitialEvents=true")).toList();
  }

  /** How often one began: by a watch that brings what is there, or by a list. */
  synchronized int starts(boolean watchList) {
    return watchList ? initialWatches().size() : lists.size();
  }

  @Override
  public synchronized String toString() {
    return "lists " + lists + " and watches " + watches;
  }
}
