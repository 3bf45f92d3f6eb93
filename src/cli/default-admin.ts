/** Where the admin API is asked for when nobody says otherwise. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:9090'
