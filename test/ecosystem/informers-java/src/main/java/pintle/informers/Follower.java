package pintle.informers;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** An informer and what its handler was told. An object that a new list brings unchanged is none that has changed. */
final class Follower {
  private static final long PATIENCE_MS = 30_000;

  private final String name;
  private final boolean picked;
  private final AtomicInteger added = new AtomicInteger();
  private final AtomicInteger changed = new AtomicInteger();
  private final AtomicInteger removed = new AtomicInteger();
  private BooleanSupplier synced;
  private Supplier<Map<String, String>> store;

  Follower(String name, boolean picked) {
    this.name = name;
    this.picked = picked;
  }

  void attach(BooleanSupplier hasSynced, Supplier<Map<String, String>> contents) {
    synced = hasSynced;
    store = contents;
  }

  void onAdd() {
    added.incrementAndGet();
  }

  void onUpdate(String versionBefore, String versionAfter) {
    if (!Objects.equals(versionBefore, versionAfter)) changed.incrementAndGet();
  }

  void onDelete() {
    removed.incrementAndGet();
  }

  String name() {
    return name;
  }

  boolean isCustom() {
    return name.endsWith("kites");
  }

  boolean picked() {
    return picked;
  }

  Map<String, String> contents() {
    return store.get();
  }

  void awaitSynced() throws InterruptedException {
    Main.must(poll(synced), name + " does not sync");
  }

  void await(String when, int toAdd, int toChange, int toRemove) throws InterruptedException {
    poll(() -> added.get() >= toAdd && changed.get() >= toChange && removed.get() >= toRemove);
    String told = String.format("%s %s: told %d added, %d changed, %d removed instead of %d, %d, %d", name, when, added.get(), changed.get(), removed.get(), toAdd, toChange, toRemove);
    Main.must(added.get() == toAdd && changed.get() == toChange && removed.get() == toRemove, told);
  }

  private static boolean poll(BooleanSupplier condition) throws InterruptedException {
    long end = System.currentTimeMillis() + PATIENCE_MS;
    while (!condition.getAsBoolean()) {
      if (System.currentTimeMillis() > end) return false;
      Thread.sleep(10);
    }
    return true;
  }
}
