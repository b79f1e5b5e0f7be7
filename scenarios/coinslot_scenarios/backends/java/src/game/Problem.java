package game;

/**
 * What can go wrong, in two families and nothing in between. An outage that is answered like a forgery locks players
 * out and loses purchases.
 */
abstract sealed class Problem extends RuntimeException permits Refused, Undecided {
    final String code;

    Problem(String code, String message) {
        super(message, null, false, false); // no stack trace: rubbish from outside must be cheap to refuse
        this.code = code;
    }
}
