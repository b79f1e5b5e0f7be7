package game;

/** Final: the input is wrong, and the same input will be wrong tomorrow. */
final class Refused extends Problem {
    Refused(String code, String message) {
        super(code, message);
    }
}
