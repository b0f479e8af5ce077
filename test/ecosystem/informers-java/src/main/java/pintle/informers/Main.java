package pintle.informers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Follows config maps and a custom resource through a Java client's informers, all of them and those with a label: what is there, then
 * what changes. Then whoever started this cuts the followers' line (told "away", answers "cut"), things change unseen, and the server
 * begins anew (told "changed", answers "back"): the informers must find out what they missed, also what has gone. Says "ok" at the end.
 */
public final class Main {
  private static final int OBJECTS = 100;
  private static final int CHANGES = 20;

  private final Cluster cluster;
  private final boolean watchList;
  private final BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
  private final Expected all = new Expected();
  private final Expected picked = new Expected();
  private List<Follower> followers;

  /** What an informer's handler is to have been told. */
  private static final class Expected {
    int added;
    int changed;
    int removed;
  }

  private Main(Cluster cluster, boolean watchList) {
    this.cluster = cluster;
    this.watchList = watchList;
  }

  static void must(boolean held, String what) {
    if (!held) throw new IllegalStateException(what);
  }

  public static void main(String[] arguments) {
    Map<String, String> given = Arrays.stream(arguments).map(a -> a.replaceFirst("^--", "").split("=", 2)).collect(Collectors.toMap(a -> a[0], a -> a[1]));
    boolean watchList = given.get("start").equals("watchlist");
    Cluster cluster = null;
    try {
      Cluster.Settings settings = new Cluster.Settings(given.get("kubeconfig"), given.get("followed"), given.get("namespace"), watchList);
      cluster = given.get("client").equals("official") ? new OfficialCluster(settings) : new Fabric8Cluster(settings, given.get("client").equals("fabric8-http"));
      new Main(cluster, watchList).run();
    } catch (Exception e) {
      e.printStackTrace();
      if (cluster != null) System.err.println("The informers have asked: " + cluster.requests());
      System.exit(1);
    }
    System.exit(0);     // the clients' threads may go on
  }

  private void run() throws Exception {
    for (int i = 0; i < OBJECTS; i++) create(i);
    followers = cluster.follow();
    for (Follower f : followers) f.awaitSynced();
    expect("at first");
    checkStart();
    changeRound(0, true);
    expect("after changes");

    await("away", "cut");
    int before = cluster.requests().starts(watchList);
    changeRound(1, cluster.findsWhatHasGone());
    await("changed", "back");
    expect("after a new start");
    must(cluster.requests().starts(watchList) >= before + followers.size(), "they do not begin again: " + cluster.requests());
    System.out.println("ok");
  }

  private void checkStart() {
    Requests requests = cluster.requests();
    must(requests.starts(watchList) >= followers.size(), "they begin otherwise: " + requests);
    must(requests.starts(!watchList) == 0, "they also begin otherwise: " + requests);
    for (String query : requests.initialWatches())
      must(query.contains("resourceVersionMatch=NotOlderThan") && query.contains("allowWatchBookmarks=true"), "a watch asks " + query);
  }

  private void await(String said, String awaited) throws IOException {
    System.out.println(said);
    System.out.flush();
    String line = orders.readLine();
    must(awaited.equals(line), "told " + line + " instead of " + awaited);
  }

  private static String pick(boolean yes) {
    return yes ? "yes" : "no";
  }

  private void create(int i) throws Exception {
    cluster.create(i, Map.of("pick", pick(i % 2 == 0)));
    all.added++;
    if (i % 2 == 0) picked.added++;
  }

  private void change(int i) throws Exception {
    cluster.patch(i, "{\"metadata\":{\"annotations\":{\"changed\":\"yes\"}}}");
    all.changed++;
    if (i % 2 == 0) picked.changed++;
  }

  private void relabel(int i) throws Exception {
    cluster.patch(i, "{\"metadata\":{\"labels\":{\"pick\":\"" + pick(i % 2 != 0) + "\"}}}");
    all.changed++;
    if (i % 2 == 0) picked.removed++; else picked.added++;
  }

  private void remove(int i) throws Exception {
    cluster.remove(i);
    all.removed++;
    if (i % 2 == 0) picked.removed++;
  }

  // Each object changes once: who was cut off sees only the last of several changes.
  private void changeRound(int round, boolean leave) throws Exception {
    for (int i = 0; i < CHANGES; i++) {
      create(OBJECTS + round * CHANGES + i);
      change(OBJECTS / 2 + round * CHANGES + i);
      if (leave) remove(round * CHANGES + i);
    }
    for (int i = OBJECTS - 4 * (round + 1); i < OBJECTS - 4 * round; i++)
      if (leave || i % 2 != 0) relabel(i);
  }

  private void expect(String when) throws Exception {
    for (Follower f : followers) {
      Expected e = f.picked() ? picked : all;
      f.await(when, e.added, e.changed, e.removed);
      Map<String, String> listed = cluster.list(f), held = f.contents();
      must(held.equals(listed), f.name() + " " + when + ": " + difference(held, listed::get) + " instead of " + difference(listed, held::get));
    }
  }

  private static String difference(Map<String, String> these, Function<String, String> other) {
    return these.entrySet().stream().filter(e -> !e.getValue().equals(other.apply(e.getKey()))).limit(3).toList().toString();
  }
}
