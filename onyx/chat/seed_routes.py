from flask import Blueprint
blueprint = Blueprint("seed_routes", __name__)
