package game;

/** We could not find out: ask again. */
final class Undecided extends Problem {
    Undecided(String code, String message) {
        super(code, message);
    }
}
