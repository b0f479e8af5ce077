package pintle.informers;

import java.util.List;
import java.util.Map;

/** A Java client's way to write, list and follow the objects: of number i there is a config map and a kite, both called "o" and i. */
interface Cluster {
  String GROUP = "kites.example.com";
  String SELECTOR = "pick=yes";

  /** Followers have a kubeconfig of their own. */
  record Settings(String kubeconfig, String followed, String namespace, boolean watchList) {}

  void create(int i, Map<String, String> labels) throws Exception;

  void patch(int i, String mergePatch) throws Exception;

  void remove(int i) throws Exception;

  /** What a list has of that follower's objects, described as its store is. */
  Map<String, String> list(Follower follower) throws Exception;

  /** Starts the informers. */
  List<Follower> follow() throws Exception;

  /** Whether its informers find out what has gone while they were cut off. */
  boolean findsWhatHasGone();

  /** What the informers have asked. */
  Requests requests();

  static String name(int i) {
    return String.format("o%03d", i);
  }
}
